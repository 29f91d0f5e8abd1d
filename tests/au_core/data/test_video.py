"""What a container says of its frames' times, and what is lost in a damaged one."""

import cv2
import numpy as np
import pytest
from PIL import Image

from au_core.data.schema import FrameRows, SequenceRef
from au_core.data.video import decode, ended_early, timed_frames, video_frames
from au_core.errors import DatasetError

N = 200


def numbered(number: int) -> np.ndarray:
    """A picture with ``number`` in it as bars, which survive any compression."""
    image = np.zeros((64, 128, 3), np.uint8)
    for bit in range(8):
        image[:, 16 * bit : 16 * bit + 16] = 255 * (number >> bit & 1)
    return image


def number_in(image: np.ndarray) -> int:
    return sum(int(image[32, 16 * bit + 8, 1] > 128) << bit for bit in range(8))


def film(path, codec="MJPG", fps=25):
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*codec), fps, (128, 64))
    for number in range(1, N + 1):
        writer.write(numbered(number))
    writer.release()
    return path


def coded(path, first=1, last=N) -> FrameRows:
    ref = SequenceRef(layout="videos", dataset="x", subject="a", sequence="b", source=path.name, root="/")
    frames = np.arange(first, last + 1, dtype=np.int32)
    return FrameRows(ref=ref, aus=(12,), frames=frames, codes=np.zeros((len(frames), 1), np.int8), video=path)


def test_times_are_those_of_a_rate_that_varies(tmp_path):
    images = [Image.fromarray(numbered(k)) for k in range(4)]
    durations = [100, 100, 500, 100]  # milliseconds
    images[0].save(tmp_path / "a.gif", save_all=True, append_images=images[1:], duration=durations)
    times, frames = zip(*timed_frames(tmp_path / "a.gif"), strict=True)
    assert times == pytest.approx([0.0, 0.1, 0.2, 0.7]) and [number_in(f) for f in frames] == [0, 1, 2, 3]


@pytest.mark.parametrize(("name", "codec"), [("a.avi", "MJPG"), ("a.mp4", "mp4v")])
def test_times_of_a_constant_rate_are_evenly_spaced(tmp_path, name, codec):
    times = [seconds for seconds, _ in timed_frames(film(tmp_path / name, codec, fps=20))]
    assert times == pytest.approx([k / 20 for k in range(N)])
    frames = list(decode(coded(tmp_path / name)))
    assert [seconds for _, _, seconds in frames] == pytest.approx(times)
    assert [number_in(image) for _, image, _ in frames] == list(range(1, N + 1))


def test_a_name_with_a_colon_is_no_protocol(tmp_path, monkeypatch):
    film(tmp_path / "a.avi").rename(tmp_path / "talk:1.avi")
    monkeypatch.chdir(tmp_path)
    assert len(list(video_frames("talk:1.avi"))) == N


@pytest.mark.parametrize(("first", "last"), [(1, N), (1, 150), (140, 145)], ids=["all", "some", "a few"])
def test_frames_after_a_damaged_place_are_not_taken_for_others(tmp_path, first, last):
    """An AVI's frames are counted: each one lost makes all later ones too early, whichever have labels."""
    path = film(tmp_path / "a.avi")
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + len(data) // 10] = np.random.default_rng(0).bytes(len(data) // 10)
    path.write_bytes(data)
    read = [number_in(image) for image in video_frames(path)]
    assert len(read) < N and read != list(range(1, len(read) + 1)), "as it should be for this test"
    with pytest.raises(DatasetError, match=rf"only {len(read)} of its {N} frames .* nobody can tell which"):
        list(decode(coded(path, first, last)))


def test_a_leap_in_time_is_not_counted_over(tmp_path):
    """Frames that a container has times for are counted too: labels after a lost one would be of others."""
    path = film(tmp_path / "a.mkv")
    assert [number_in(image) for _, image, _ in decode(coded(path))] == list(range(1, N + 1))
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + len(data) // 10] = bytes(len(data) // 10)
    path.write_bytes(data)
    read = [number_in(image) for image in video_frames(path)]
    assert 50 < len(read) < N and read[-1] == N, "as it should be for this test"
    with pytest.raises(
        DatasetError, match=r"from frame \d+ to the next it leaps from .* as where frames are"
    ):
        list(decode(coded(path, 180, 190)))
    before = [number_in(image) for _, image, _ in decode(coded(path, 1, 50)) if image is not None]
    assert before == list(range(1, 51)), "what comes before is whole"


def test_passing_over_many_frames_shows_signs_of_life(tmp_path):
    signs: list[int] = []
    list(decode(coded(film(tmp_path / "a.mp4", "mp4v"), N, N), lambda: signs.append(1)))
    assert len(signs) == N // 100


def test_a_whole_video_with_a_wrong_header_is_taken_as_it_is(tmp_path):
    path = film(tmp_path / "a.avi")
    data = bytearray(path.read_bytes())
    for field in (b"avih", b"strh"):  # the number of frames stands 16 and 32 bytes into these
        at = data.index(field) + 8 + (16 if field == b"avih" else 32)
        assert int.from_bytes(data[at : at + 4], "little") == N
        data[at : at + 4] = (N + 1).to_bytes(4, "little")
    path.write_bytes(data)
    there = [image is not None for _, image, _ in decode(coded(path, 1, N + 1))]
    assert there == [True] * N + [False]


def test_a_video_that_was_cut_off_keeps_the_frames_before(tmp_path):
    path = film(tmp_path / "a.avi")
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    frames = [(number, image) for number, image, _ in decode(coded(path))]
    there = [(number, number_in(image)) for number, image in frames if image is not None]
    assert len(frames) == N and 100 < len(there) < N
    assert all(a == b for a, b in there[:-1]), "all but the one that the cut went through"


def test_a_video_that_opens_but_has_no_frame_is_refused(tmp_path):
    path = film(tmp_path / "a.avi")
    data = path.read_bytes()
    start = data.index(b"movi") + 4
    path.write_bytes(data[:start] + bytes(len(data) - start))
    with pytest.raises(DatasetError, match=r"not one frame could be decoded \(MJPG\); .* H.264: ffmpeg -i"):
        list(video_frames(path))


@pytest.mark.parametrize(("decoded", "declared", "told"), [(95, 100, False), (94, 100, True), (5, 0, False)])
def test_a_video_that_is_much_shorter_than_it_says_is_told(decoded, declared, told):
    assert bool(ended_early(decoded, declared)) is told
