"""A trained model in a program of one's own: frames in, faces with their action units out."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from threading import Lock

import numpy as np

from au_core.config import PreprocessConfig
from au_core.data.faces import decode_face
from au_core.errors import ConfigError, FaceError
from au_core.evaluation.predict import predict_faces
from au_core.face.align import align, encode_face
from au_core.face.detect import Detection, load_detector
from au_core.face.track import Tracker
from au_core.models.card import ModelCard
from au_core.models.checkpoint import load_recognizer

_DEFAULT = PreprocessConfig()
BATCH = 32
"""Frames that are recognised together."""
HELD = 256 * 2**20
"""A batch ends early at this many bytes: 32 frames of 8K would be 3 GB."""


Look = tuple[float, np.ndarray, list[tuple[int, Detection, np.ndarray]]]
"""Time and frame, and id, detection and aligned face ``uint8[S, S, 3]`` RGB of everyone in it."""


@dataclass(frozen=True, slots=True)
class SeenFace:
    """A face of a frame, and what R says of it."""

    face_id: int
    """From 0, as faces appear; a person keeps it while in sight (see ``au_core.face.track``)."""
    detection: Detection
    """Box, points and the detector's confidence."""
    prob: np.ndarray
    """``float32[L]``, in the order of the card's AUs; NaN for one whose training labels were all alike."""
    card: ModelCard = field(repr=False)

    @property
    def probability(self) -> dict[str, float]:
        """By AU, as in ``face.probability["AU12"]``."""
        return dict(zip(self.card.spec.columns, self.prob.tolist(), strict=True))

    @property
    def active(self) -> dict[str, bool]:
        """By AU, whether it reaches its threshold, chosen on validation subjects (0.5 without any)."""
        return dict(zip(self.card.spec.columns, self.card.active(self.prob).tolist(), strict=True))


class Predictor:
    """R with the faces it was trained on: finds them, aligns them, and recognises their action units.

    Threads may share one: they take turns. Processes each need their own.

    ::

        predictor = Predictor("out/demo/runs/ours/missing=0.5/fold=1/seed=0")
        for face in predictor(cv2.imread("picture.jpg")):
            print(face.detection.box, face.probability["AU12"], face.active["AU12"])
    """

    def __init__(
        self,
        model: Path | str,
        detector: Path | str = "yunet",
        *,
        min_confidence: float = _DEFAULT.min_confidence,
        detect_side: int = _DEFAULT.detect_side,
        device: str = "cpu",
    ) -> None:
        """A model or run folder; ``yunet`` is fetched once, else the detector is a YuNet file's path.

        Raises:
            AuError: there is no model, its files are damaged, or the detector or the device cannot be had.
        """
        self._alone = Lock()
        self.cfg = PreprocessConfig(
            detector=str(detector), min_confidence=min_confidence, detect_side=detect_side
        )
        self.detector = load_detector(self.cfg)
        recognizer, self.card = load_recognizer(Path(model))
        try:
            self.recognizer = recognizer.to(device)
        except (RuntimeError, AssertionError) as error:
            raise ConfigError(
                f"device {device!r}: {str(error).splitlines()[0]}; expected cpu, or cuda"
            ) from error

    def __call__(self, image: np.ndarray) -> list[SeenFace]:
        """The faces of one picture ``uint8[H, W, 3]`` BGR, the largest and most central first.

        Raises:
            FaceError: it is something else.
        """
        ((_, faces),) = self.video([image])
        return faces

    def video(
        self, frames: Iterable[np.ndarray], batch: int = BATCH
    ) -> Iterator[tuple[np.ndarray, list[SeenFace]]]:
        """Each of the ``frames`` ``uint8[H, W, 3]`` BGR of one video with its faces.

        ``au_core.data.video.video_frames`` reads them from a file. A frame comes out when its batch is full;
        from a camera, a ``batch`` of 1 answers at once. If ``frames`` itself raises, those of the batch under
        way, up to ``batch`` - 1, have no answer.

        Raises:
            ConfigError: there is no such batch.
            FaceError: a frame is something else.
        """
        untimed = self.timed(((0.0, image) for image in frames), batch)
        return ((image, faces) for _, image, faces in untimed)

    def timed(
        self, frames: Iterable[tuple[float, np.ndarray]], batch: int = BATCH
    ) -> Iterator[tuple[float, np.ndarray, list[SeenFace]]]:
        """The same for frames that come with their time, as ``au_core.data.video.timed_frames`` reads them.

        Raises:
            ConfigError, FaceError: as :meth:`video`.
        """
        if batch < 1:
            raise ConfigError(f"batch {batch}: expected a number of frames from 1 on")
        return self._recognised(self._look(frames), batch)

    def _recognised(
        self, seen: Iterator[Look], batch: int
    ) -> Iterator[tuple[float, np.ndarray, list[SeenFace]]]:
        while held := list(_up_to(seen, batch)):
            faces = [face for _, _, found in held for _, _, face in found]
            with self._alone:
                prob = self.card.answers(predict_faces(self.recognizer, faces, self.card.input_size))
            answers = iter(prob)
            for seconds, image, found in held:
                people = [SeenFace(k, where, next(answers), self.card) for k, where, _ in found]
                yield seconds, image, people
            held.clear()  # before the next ones are read

    def _look(self, frames: Iterable[tuple[float, np.ndarray]]) -> Iterator[Look]:
        tracker = Tracker()
        for seconds, image in frames:
            check_image(image)
            with self._alone:  # OpenCV's detector keeps what it looks at
                detections = self.detector(image)
            ids = tracker.update(detections)
            faces = ((k, d, self._aligned(image, d)) for k, d in zip(ids, detections, strict=True))
            yield seconds, image, [(k, d, face) for k, d, face in faces if face is not None]

    def _aligned(self, image: np.ndarray, face: Detection) -> np.ndarray | None:
        """The face as training saw it: through the same JPEG; None if its points are no face."""
        try:
            crop = align(image, face.points, self.card.face_size)
        except FaceError:
            return None
        return decode_face(encode_face(crop, self.card.jpeg_quality), self.card.face_size)


def _up_to(seen: Iterator[Look], batch: int) -> Iterator[Look]:
    """The next ``batch`` frames, fewer if they are large."""
    size = 0
    for look in islice(seen, batch):
        yield look
        size += look[1].nbytes
        if size >= HELD:
            return


def check_image(image: object) -> None:
    """Make sure that ``image`` is what OpenCV reads from a file: others would give faces that are none.

    Raises:
        FaceError: it is not.
    """
    if not isinstance(image, np.ndarray):
        came = "None, as cv2.imread gives where it can read nothing" if image is None else repr(type(image))
    elif image.dtype == np.uint8 and image.ndim == 3 and image.shape[2] == 3 and image.size:
        return
    else:
        came = f"{image.dtype}{list(image.shape)}"
    raise FaceError(f"expected a picture uint8[height, width, 3] in BGR, got {came}")
