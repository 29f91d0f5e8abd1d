"""Face rows: every decoded frame of a sequence gets one for each face, or one that says why there is none."""

from collections import Counter
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from au_core.aus import UNKNOWN, au_column
from au_core.config import PreprocessConfig
from au_core.data.schema import FrameRows
from au_core.data.video import decode, ended_early, open_video
from au_core.errors import DatasetError, FaceError
from au_core.face.align import align, encode_face
from au_core.face.detect import Detection, Detector
from au_core.face.judge import FLAGS, frame_brightness, judge, landmarks_differ, measure
from au_core.face.track import Tracker

Row = dict[str, Any]


class FaceRows:
    """The face rows of one sequence, and the account of its frames once they are written.

    ``alive`` is called before each frame is decoded, and as others are passed over, so that whoever started
    this can tell a hang.
    """

    def __init__(
        self,
        rows: FrameRows,
        detector: Detector | None,
        cfg: PreprocessConfig,
        alive: Callable[[], object],
    ) -> None:
        self.rows, self.detector, self.cfg, self.alive = rows, detector, cfg, alive
        self.tracker, self.index = Tracker(), {frame: i for i, frame in enumerate(rows.frames.tolist())}
        self.coded = {*rows.frames[rows.coded].tolist()}
        self.decoded, self.ended, self.lost = 0, 0, list[int]()
        self.faces, self.faces_coded, self.flags = 0, 0, Counter[str]()

    def __iter__(self) -> Iterator[Row]:
        self.alive()
        for frame, image, seconds in decode(self.rows, self.alive):
            if image is None and self.rows.video and frame > self.rows.last_listed:
                self.ended = frame - 1
            elif image is None:
                self.lost.append(frame)
            else:
                self.decoded += 1
                yield from self._frame(frame, image, seconds)
            self.alive()

    def _frame(self, frame: int, image: np.ndarray, seconds: float | None) -> list[Row]:
        """The rows of one frame."""
        i, cfg = self.index.get(frame), self.cfg
        known: Row = {"dataset": self.rows.ref.dataset, "sequence": self.rows.ref.sequence}
        known |= {"frame": frame, "timestamp": seconds}
        known |= {au_column(au): _code(self.rows, i, j) for j, au in enumerate(self.rows.aus)}
        faces, why = self._look(image, i)
        ids = self.tracker.update(faces) if cfg.all_faces else [0] * len(faces)
        aligned = (
            (face, row) for face, k in zip(faces, ids, strict=True) if (row := self._found(image, face, k))
        )
        if kept := list(aligned if cfg.all_faces else islice(aligned, 1)):
            found = [row for _, row in kept]
            found[0]["flagged"] += self._frame_flags(kept[0][0], len(faces), i)
        else:
            found = [self._lost(image, faces, why)]
        self.faces += found[0]["face_found"]
        self.faces_coded += found[0]["face_found"] and frame in self.coded
        self.flags.update({flag for row in found for flag in row["flagged"]})
        return [{**known, **row, "flagged": ",".join(row["flagged"]) or None} for row in found]

    def _look(self, image: np.ndarray, i: int | None) -> tuple[list[Detection], Row]:
        """The faces of a frame, and what its row says if there is none."""
        if self.detector is None:
            if self._is_bad(i) and not self.cfg.keep_bad_landmarks:
                return [], {"flagged": ["bad_landmarks"]}
            return _coded_face(self.rows, i), {"flagged": ["no_face"]}
        seen = self.detector(image)
        faces = [face for face in seen if face.confidence >= self.cfg.min_confidence]
        if not seen or faces:
            return faces, {"flagged": ["no_face"]}
        return [], {"flagged": ["low_confidence"], "confidence": max(face.confidence for face in seen)}

    def _frame_flags(self, main: Detection, seen: int, i: int | None) -> list[str]:
        """Words for the ``main`` face of ``seen`` that the frame or the dataset's landmarks give rise to."""
        found = {"several_faces": seen > 1 and not self.cfg.all_faces, "bad_landmarks": self._is_bad(i)}
        if i is not None and self.rows.points is not None and self.detector:
            found["landmarks_differ"] = landmarks_differ(main, self.rows.points[i], self.cfg)
        return [flag for flag, true in found.items() if true]

    def _is_bad(self, i: int | None) -> bool:
        return i is not None and self.rows.bad is not None and bool(self.rows.bad[i])

    def _lost(self, image: np.ndarray, faces: list[Detection], why: Row) -> Row:
        """A row without a face, and why."""
        brightness = frame_brightness(image)
        flags = ["bad_points"] if faces else why["flagged"]
        flags = [*flags, "dark"] if brightness < self.cfg.min_brightness else flags
        return {**why, "face_id": 0, "face_found": False, "brightness": brightness, "flagged": flags}

    def _found(self, image: np.ndarray, face: Detection, face_id: int) -> Row | None:
        """The columns of a found face, None if its points are no face."""
        try:
            aligned = align(image, face.points, self.cfg.size)
        except FaceError:
            return None
        measures = measure(aligned, face.points, face.nose)
        return {
            "face_id": face_id,
            "face": encode_face(aligned, self.cfg.jpeg_quality),
            "face_found": True,
            "confidence": None if np.isnan(face.confidence) else face.confidence,
            "points": face.points.ravel().tolist(),
            "yaw": measures.yaw,
            "roll": measures.roll,
            "brightness": measures.brightness,
            "sharpness": measures.sharpness,
            "flagged": judge(measures, self.cfg),
        }

    def account(self) -> Row:
        """The quality row, but for the hashes: every listed frame was decoded or is listed as lost.

        Raises:
            DatasetError: not one frame could be decoded, or none has a picture.
        """
        rows, ref, lost = self.rows, self.rows.ref, self.lost
        absent = [frame for frame in lost if self._is_absent(frame)]
        broken = sorted(set(lost) - set(absent))
        if not self.decoded:
            what = "frame could be decoded" if broken or not lost else "coded frame has a picture file"
            raise DatasetError(f"{Path(ref.root) / ref.source}: not one {what}")
        short = self._missing_tail()
        reasons = [f"frames {ranges(absent)} have no picture file"] if absent else []
        reasons += self._not_decoded(broken)
        reasons += [*self._bad_landmarks(), *rows.remarks, *short]
        return {
            **ref.quality_key,
            "frames_coded": len(self.coded),
            "frames_decoded": self.decoded,
            "frames_lost": len(lost),
            "faces_found": self.faces,
            "faces_coded": self.faces_coded,
            "status": "partial" if lost or short else "ok",
            "reason": "; ".join(reasons),
            "flagged": ", ".join(f"{flag} {self.flags[flag]}" for flag in FLAGS if self.flags[flag]),
        }

    def _not_decoded(self, broken: list[int]) -> list[str]:
        """What to say of the ``broken`` frames: a video may be shorter than the labels have it."""
        length = open_video(self.rows.video).declared_frames if broken and self.rows.video else 0
        beyond = [frame for frame in broken if length and frame > length]
        lost = [frame for frame in broken if frame not in beyond]
        reasons = [f"frames {ranges(lost)} could not be decoded"] if lost else []
        return reasons + ([f"frames {ranges(beyond)}: the video has {length}"] if beyond else [])

    def _is_absent(self, frame: int) -> bool:
        pictures = self.rows.pictures
        return pictures is not None and not (frame in pictures and pictures[frame].is_file())

    def _bad_landmarks(self) -> list[str]:
        if self.rows.bad is None or not self.rows.bad.any():
            return []
        what = "kept" if self.detector or self.cfg.keep_bad_landmarks else "left without a face"
        return [f"frames {ranges(self.rows.frames[self.rows.bad].tolist())} have wrong landmarks, {what}"]

    def _missing_tail(self) -> list[str]:
        """A remark if a video ended long before its declared length where nothing is listed."""
        length = self.ended if len(self.rows.frames) else self.decoded
        if self.rows.video is None or not length:
            return []
        short = ended_early(length, open_video(self.rows.video).declared_frames)
        return [short] if short else []


def ranges(numbers: list[int]) -> str:
    """Sorted numbers for people.

    >>> ranges([3, 4, 5, 9])
    '3-5, 9'
    """
    if not numbers:
        return ""
    cuts = np.flatnonzero(np.diff(numbers) > 1) + 1
    runs = np.split(np.array(numbers), cuts)
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)


def _coded_face(rows: FrameRows, i: int | None) -> list[Detection]:
    """The face as the dataset's own landmarks have it."""
    if rows.points is None or i is None or not np.isfinite(rows.points[i]).all():
        return []
    points = rows.points[i]
    box = np.concatenate([points.min(0), np.ptp(points, axis=0)]).astype(np.float32)
    return [Detection(box, points, float("nan"), None if rows.noses is None else rows.noses[i])]


def _code(rows: FrameRows, i: int | None, j: int) -> int | None:
    code = UNKNOWN if i is None else int(rows.codes[i, j])
    return None if code == UNKNOWN else code
