import cv2
import numpy as np

from au_core.output.film import OverlayFile


def test_a_frame_too_large_for_an_mp4_is_shown_smaller(tmp_path):
    with OverlayFile(tmp_path / "large.mp4", 25) as film:
        film.write(np.full((1000, 8200, 3), 99, np.uint8))
    film = cv2.VideoCapture(str(tmp_path / "large.mp4"))
    frame = film.read()[1]
    assert not film.read()[0], "one frame"
    assert frame.shape == (500, 4096, 3) and abs(frame.mean() - 99) < 10, "of a lossy codec"
