import numpy as np
import pytest

from au_core.aus import BP4D, UNKNOWN
from au_core.data.census import census, check_validation, unlearnable
from au_core.data.faces import load_faces
from au_core.errors import DatasetError
from tests.toy import PEOPLE, write_toy_faces


@pytest.fixture
def faces(tmp_path):
    return load_faces(write_toy_faces(tmp_path), BP4D, PEOPLE)


def test_faces_and_labels_are_counted_as_they_are_learned_from(faces):
    labels = faces.labels.copy()
    labels[::4] = UNKNOWN
    labels[:, 0], labels[:, 1] = UNKNOWN, np.minimum(labels[:, 1], 0)
    counts = census(faces, labels, BP4D.columns, True)
    assert counts["people"] == {"BP4D": [*PEOPLE]}
    n = len(faces)
    assert (counts["faces"], counts["labelled"], counts["labelled_share"]) == (n, n * 3 // 4, 0.75)
    assert counts["known"]["AU01"] == 0 and counts["known"]["AU04"] == n * 3 // 4
    assert counts["present"]["AU02"] == 0 and counts["present"]["AU04"] == (labels[:, 2] == 1).sum() > 0
    assert unlearnable(counts) == ["AU01", "AU02"]


@pytest.mark.parametrize("code", [UNKNOWN, 0])
def test_validation_subjects_who_can_choose_nothing_are_refused(faces, code):
    assert check_validation(faces) is faces
    faces.labels[:] = code
    with pytest.raises(
        DatasetError, match=r"validation subjects F001, F002, .*M003: no AU is coded as present"
    ):
        check_validation(faces)
