import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest

from au_core import predictor as predictor_module
from au_core.aus import BP4D
from au_core.config import PreprocessConfig
from au_core.data.faces import decode_face
from au_core.data.files import read_json, write_json
from au_core.data.readers import list_sequences
from au_core.data.schema import shard_path
from au_core.data.video import video_frames
from au_core.errors import ConfigError, FaceError
from au_core.face.align import align, encode_face
from au_core.face.detect import Detection
from au_core.face.prepare import prepare_sequence
from au_core.predictor import Predictor

FACE = Detection(np.array([60, 50, 80, 90]), np.array([[80, 80], [120, 80], [100, 120]]), 0.9)


@pytest.fixture(scope="module")
def predictor(model, yunet) -> Predictor:
    return Predictor(model, yunet)


@pytest.fixture(scope="module")
def blind(model) -> Predictor:
    """It finds nobody, and needs no detector's file."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(predictor_module, "load_detector", lambda *_, **__: lambda image: [])
        return Predictor(model)


@pytest.fixture
def picture(rng) -> np.ndarray:
    """Noise; where it is looked at, ``FACE`` is found in it."""
    return rng.integers(0, 256, (200, 200, 3), np.uint8)


@pytest.fixture
def seen(monkeypatch) -> list:
    """What R is shown of ``FACE``: each face, and in which size it looks at them."""
    seen = []

    def look(recognizer, faces, size):
        seen.extend([*faces, size])
        return np.zeros((len(faces), len(BP4D.aus)), np.float32)

    monkeypatch.setattr(predictor_module, "load_detector", lambda *_, **__: lambda image: [FACE])
    monkeypatch.setattr(predictor_module, "predict_faces", look)
    return seen


def test_a_picture_in_and_its_faces_with_their_action_units_out(predictor, shared):
    (face,) = predictor(cv2.imread(str(shared / "real_faces" / "astronaut.png")))
    assert face.face_id == 0 and face.detection.confidence > 0.6
    assert tuple(face.probability) == tuple(face.active) == BP4D.columns
    assert face.probability["AU06"] == face.prob[BP4D.columns.index("AU06")] > 0
    assert face.active["AU12"] is True and face.active["AU01"] is False


def test_no_face_is_no_answer(blind):
    assert blind(np.zeros((240, 320, 3), np.uint8)) == []


def test_a_video_gives_every_frame_and_keeps_people_apart(predictor, shared):
    clip = shared / "real_faces" / "face-demographics-walking.gif"
    images, faces = zip(*predictor.video(video_frames(clip)), strict=True)
    assert len(images) == len(faces) > 32, "more than one batch"
    assert {face.face_id for found in faces for face in found} == {0, 1}
    alone = predictor(images[0])
    assert [face.detection.confidence for face in alone] == [face.detection.confidence for face in faces[0]]
    np.testing.assert_allclose(
        [face.prob for face in alone], [face.prob for face in faces[0]], atol=1e-5, err_msg="batch by batch"
    )


@pytest.mark.parametrize("quality", [None, 95, 20])
def test_a_face_is_shown_through_the_jpeg_of_the_faces_trained_on(model, seen, picture, tmp_path, quality):
    """A card that does not say is of a time when all were of 95."""
    shutil.copytree(model, tmp_path / "run")
    card = tmp_path / "run" / "model" / "model.json"
    values = {name: value for name, value in read_json(card).items() if name != "jpeg_quality"}
    write_json(values | ({"jpeg_quality": quality} if quality else {}), card)
    (tmp_path / "videos").mkdir()
    cv2.imwrite(str(tmp_path / "videos" / "picture.png"), picture)
    (ref,) = list_sequences("videos", tmp_path / "videos")
    cfg = PreprocessConfig(jpeg_quality=quality or 95)
    prepare_sequence(ref, lambda image: [FACE], cfg, tmp_path / "faces")
    stored = pq.ParquetFile(shard_path(tmp_path / "faces", ref)).read()["face"][0].as_py()
    Predictor(tmp_path / "run")(picture)
    np.testing.assert_array_equal(seen[0], decode_face(stored, 224))


def test_a_face_is_cut_out_in_the_size_of_those_trained_on_and_seen_in_r_s(model, seen, picture, tmp_path):
    shutil.copytree(model, tmp_path / "run")
    card = tmp_path / "run" / "model" / "model.json"
    write_json(read_json(card) | {"face_size": 112}, card)
    Predictor(tmp_path / "run")(picture)
    face, size = seen
    np.testing.assert_array_equal(face, decode_face(encode_face(align(picture, FACE.points, 112), 95), 112))
    assert size == 32


def test_frames_keep_their_times(blind):
    frames = [(0.0, np.zeros((32, 32, 3), np.uint8)), (0.5, np.zeros((32, 32, 3), np.uint8))]
    assert [seconds for seconds, _, _ in blind.timed(frames)] == [0.0, 0.5]


@pytest.mark.parametrize("batch", [0, -1])
def test_a_batch_of_nothing_is_refused_before_the_first_frame(blind, batch):
    with pytest.raises(ConfigError, match=f"batch {batch}: expected a number of frames from 1 on"):
        blind.video([], batch)


def test_threads_may_share_one(predictor, shared):
    """OpenCV's detector keeps what it looks at: unguarded, one thread got the faces of another's picture."""
    left = cv2.imread(str(shared / "real_faces" / "astronaut.png"))
    pictures = [left, np.ascontiguousarray(left[:, ::-1])]
    expected = [predictor(picture)[0].detection.box.tolist() for picture in pictures]
    assert expected[0] != expected[1]
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda k: predictor(pictures[k % 2])[0].detection.box.tolist(), range(80)))
    assert all(box == expected[k % 2] for k, box in enumerate(found))


def test_predicting_needs_few_of_the_dependencies(model, yunet, tmp_path):
    """Those that README names; whoever builds it into a program need not install a cluster."""
    others = ("ray", "mlflow", "sklearn", "joblib", "h5py", "scipy", "matplotlib", "pandas")
    code = f"import sys; sys.modules.update(dict.fromkeys({others}))\nimport numpy as np\n"
    code += "from au_core.predictor import Predictor; import pipelines.predict_video\n"
    code += "print(Predictor(sys.argv[1], sys.argv[2])(np.zeros((80, 80, 3), np.uint8)))"
    found = subprocess.run(
        [sys.executable, "-c", code, model, yunet], capture_output=True, text=True, check=True
    )
    assert found.stdout == "[]\n"


@pytest.mark.parametrize(
    ("batch", "held", "read"), [(1, predictor_module.HELD, 1), (32, 1, 1), (3, 10**9, 3)]
)
def test_frames_come_out_as_soon_as_is_asked(blind, monkeypatch, batch, held, read):
    monkeypatch.setattr(predictor_module, "HELD", held)
    asked = []
    frames = (asked.append(k) or np.zeros((32, 32, 3), np.uint8) for k in range(9))
    seen = blind.video(frames, batch)
    assert next(seen)[1] == [] and len(asked) == read
    assert len(list(seen)) == 8


def test_a_device_that_is_not_there_is_told(model, seen):
    with pytest.raises(ConfigError, match=r"device 'nowhere': .*; expected cpu, or cuda"):
        Predictor(model, device="nowhere")


@pytest.mark.parametrize(
    ("image", "came"),
    [
        (None, "got None, as cv2.imread gives"),
        ("picture.jpg", "got <class 'str'>"),
        (np.zeros((8, 8, 3)), r"got float64\[8, 8, 3\]"),
        (np.zeros((8, 8, 3), np.uint16), r"got uint16\[8, 8, 3\]"),
        (np.zeros((8, 8), np.uint8), r"got uint8\[8, 8\]"),
        (np.zeros((3, 8, 8), np.uint8), r"got uint8\[3, 8, 8\]"),
        (np.zeros((0, 8, 3), np.uint8), r"got uint8\[0, 8, 3\]"),
    ],
)
def test_what_is_no_picture_is_told_and_gives_no_faces(blind, image, came):
    with pytest.raises(FaceError, match=r"expected a picture uint8\[height, width, 3\] in BGR, " + came):
        blind(image)
