import numpy as np
import pytest

from au_core.data.synthetic.expression import AUS, coded, draw_intensities, smooth_noise, statistics


def many(dataset: str, people: int = 150, frames: int = 300) -> np.ndarray:
    names = [f"X{i:03}" for i in range(people)]
    return np.concatenate([coded(draw_intensities(dataset, name, "T1", frames, 0)) for name in names]) >= 2


@pytest.mark.parametrize("dataset", ["BP4D", "DISFA"])
def test_rates_are_the_published_ones(dataset):
    active = many(dataset)
    for name, rate in statistics()[dataset]["rate"].items():
        assert active[:, AUS.index(int(name[2:]))].mean() == pytest.approx(rate, abs=0.03), name


@pytest.mark.parametrize(("relation", "sign"), [("positive_correlation", 1), ("negative_competition", -1)])
def test_published_pairs_occur_together_or_apart(relation, sign):
    correlation = np.corrcoef(many("BP4D").T)
    for a, b in statistics()["au_relations_JPML_on_BP4D"][relation]:
        assert sign * correlation[AUS.index(a), AUS.index(b)] > 0.02, (a, b)


def test_smooth_noise_is_standard_at_every_frame_and_smooth(rng):
    noise = np.stack([smooth_noise(rng, 40, 3, 8) for _ in range(3000)])
    np.testing.assert_allclose(noise.var(0), 1, atol=0.15)
    assert np.abs(np.diff(noise, axis=1)).mean() < 0.25


def test_people_have_habits_and_sequences_events():
    first, again = (draw_intensities("BP4D", "F001", "T1", 50, 0) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, draw_intensities("BP4D", "F001", "T2", 50, 0))
    assert (first >= 0).all() and (first <= 5).all() and (first.max(0) - first.min(0)).max() > 2
