import numpy as np
import pytest

from au_core.data.masking import is_labelled
from au_core.errors import ConfigError

KEYS = [f"BP4D/F{i % 23:03}/T1/{i}/0" for i in range(20_000)]


@pytest.mark.parametrize("rate", [0.0, 0.1, 0.5, 0.9])
def test_the_asked_share_is_hidden(rate):
    assert 1 - is_labelled(KEYS, rate, 0).mean() == pytest.approx(rate, abs=0.012)


def test_a_rate_hides_all_that_lower_rates_hide():
    kept = [is_labelled(KEYS, rate, 0) for rate in (0.1, 0.2, 0.5)]
    assert (kept[0] | ~kept[1]).all() and (kept[1] | ~kept[2]).all()


def test_a_frame_is_decided_by_itself_and_the_seed():
    order = np.random.default_rng(0).permutation(len(KEYS))
    shuffled = is_labelled([KEYS[i] for i in order], 0.5, 0)
    np.testing.assert_array_equal(shuffled, is_labelled(KEYS, 0.5, 0)[order])
    assert (is_labelled(KEYS, 0.5, 1) != is_labelled(KEYS, 0.5, 0)).mean() > 0.4


@pytest.mark.parametrize("rate", [-0.1, 1.0])
def test_a_rate_outside_its_range_is_refused(rate):
    with pytest.raises(ConfigError, match=rf"missing rate must be in \[0, 1\), got {rate}"):
        is_labelled(KEYS, rate, 0)
