"""What the model saw and said, drawn onto the frame."""

from collections.abc import Sequence

import cv2
import numpy as np

from au_core.face.detect import Detection
from au_core.models.card import ModelCard

ACTIVE, IDLE, TEXT, BACK = (80, 190, 255), (150, 150, 150), (245, 245, 245), (28, 28, 28)
"""BGR: amber for active AUs, grey for the others."""
COLOURS = ((80, 220, 120), (255, 170, 60), (200, 120, 255), (60, 200, 255))
"""Boxes by face id."""
_FONT = cv2.FONT_HERSHEY_SIMPLEX


def draw_overlay(
    image: np.ndarray, faces: Sequence[tuple[int, Detection, np.ndarray]], card: ModelCard
) -> np.ndarray:
    """``image[H, W, 3]`` with box, three points and AU bars of each (id, face, probabilities ``[L]``).

    An AU without an answer (NaN) has no bar.

    One face's list stands at the edge farther from it, two faces' at their own edges; that is all that fits,
    further faces have their boxes.
    """
    image = image.copy()
    centres = [face.box[0] + face.box[2] / 2 for _, face, _ in faces[:2]]
    at_right = bool(faces) and (centres[0] > centres[1] if faces[1:] else centres[0] < image.shape[1] / 2)
    for place, (face_id, _, prob) in enumerate(faces[:2]):
        colour = COLOURS[face_id % len(COLOURS)]
        _bars(image, prob, card, colour, at_right != (place == 1))
    for face_id, face, _ in faces:  # over the lists, which may hide no label
        _face(image, face_id, face, COLOURS[face_id % len(COLOURS)])
    return image


def _face(image: np.ndarray, face_id: int, face: Detection, colour: tuple[int, int, int]) -> None:
    unit = max(1, round(image.shape[0] / 360))
    x, y, w, h = (round(float(value)) for value in face.box)
    cv2.rectangle(image, (x, y), (x + w, y + h), colour, unit, cv2.LINE_AA)
    for px, py in face.points:
        cv2.circle(image, (round(float(px)), round(float(py))), 2 * unit, colour, -1, cv2.LINE_AA)
    label = f"face {face_id}  {face.confidence:.2f}"
    _text(image, label, (x, max(12 * unit, y - 4 * unit)), 0.4 * unit, colour)


def _bars(
    image: np.ndarray, prob: np.ndarray, card: ModelCard, colour: tuple[int, int, int], at_right: bool
) -> None:
    """A list of AUs with bars from 0 to 1, a tick at the threshold, active ones bright."""
    (height, width), columns = image.shape[:2], card.spec.columns
    row = max(8, min(24 * height // 360, (height - 8) // (len(columns) + 1), width // 22))
    wide = round(7.2 * row)
    left = max(4, width - wide - 4) if at_right else 4
    panel = image[4 : 4 + row * len(columns) + 6, left : left + wide]
    panel[:] = cv2.addWeighted(panel, 0.35, np.full_like(panel, BACK), 0.65, 0)
    cv2.line(image, (left, 4), (left, 3 + len(panel)), colour, 2)
    for i, (column, p, active) in enumerate(zip(columns, prob, card.active(prob), strict=True)):
        y, start, full = 4 + round((i + 0.8) * row), left + round(2.6 * row), round(4.3 * row)
        _text(image, column, (left + 5, y), row / 42, TEXT if active else IDLE)
        if np.isnan(p):
            continue
        top, bottom = y - round(0.5 * row), y
        end = start + round(full * float(p))
        cv2.rectangle(image, (start, top), (end, bottom), ACTIVE if active else IDLE, -1)
        tick = start + round(full * card.thresholds[column])
        cv2.line(image, (tick, top - 1), (tick, bottom + 1), TEXT, 1)


def _text(
    image: np.ndarray, text: str, where: tuple[int, int], scale: float, colour: tuple[int, int, int]
) -> None:
    thick = max(1, round(scale * 2))
    cv2.putText(image, text, where, _FONT, scale, BACK, thick + 2, cv2.LINE_AA)
    cv2.putText(image, text, where, _FONT, scale, colour, thick, cv2.LINE_AA)
