"""A drawn portrait: the person's skin bent by AUs and pose, lit, with eyes and mouth, seen by a camera."""

from collections.abc import Mapping

import cv2
import numpy as np

from au_core.data.synthetic.anatomy import ACTIONS, Table
from au_core.data.synthetic.canvas import HEIGHT, ORIGIN, SCALE, WIDTH
from au_core.data.synthetic.features import draw_eyes, draw_glasses, draw_mouth
from au_core.data.synthetic.geometry import Pose, moved_points
from au_core.data.synthetic.person import Person
from au_core.data.synthetic.relief import folds, lit
from au_core.data.synthetic.scene import SIZE, Scene
from au_core.data.synthetic.skin import GRID, Skin, lay_out

_MESH = 8
"""Picture pixels from one vertex of the inverse mesh to the next."""
AHEAD = np.zeros(2)


def render_face(
    person: Person,
    intensities: Mapping[int | str, float],
    pose: Pose,
    scene: Scene,
    rng: np.random.Generator,
    actions: Table = ACTIONS,
    gaze: np.ndarray = AHEAD,
) -> tuple[np.ndarray, np.ndarray]:
    """A picture ``uint8[SIZE, SIZE, 3]`` BGR and its 66 landmarks ``float64[66, 2]`` in pixels.

    Args:
        person: who.
        intensities: AU, or name of a habit such as ``blink``, -> 0 to 5.
        pose: how the head is held.
        scene: background, light and camera.
        rng: which part of the camera's noise falls on this frame.
        actions: what each AU does.
        gaze: ``float64[2]``, how far the eyes look right and down, in eye distances.
    """
    shown = {k: v if isinstance(k, str) else person.seen(v) for k, v in intensities.items() if v > 0}
    skin, points = lay_out(person), moved_points(person, shown, actions)
    pixels, box = pose.project(points), _box(pose)
    where = _canvas_of_pixels(skin, pose, points - person.points, box)
    shade = _shade(skin, folds(person, shown, actions), pose, scene)
    image = _composed(skin, shade, where, box, scene)

    def light(part: tuple[slice, slice]) -> np.ndarray:
        """The light on a part of the picture."""
        inner = tuple(slice(p.start - b.start, p.stop - b.start) for p, b in zip(part, box, strict=True))
        near, between = (np.ascontiguousarray(layer[inner]) for layer in where)
        return toned(
            cv2.remap(shade, near, between, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), scene
        )

    draw_mouth(image, light, person, pixels, pose.eye_distance)
    draw_eyes(image, light, person, pixels, pose.eye_distance, gaze)
    if person.glasses:
        centres = pose.project(np.array([[-0.5, 0.0, 1.15], [0.5, 0.0, 1.15]]))
        draw_glasses(image, person, centres, pose.eye_distance)
    return _filmed(image, scene, rng), pixels[:66]


Box = tuple[slice, slice]
"""Rows and columns of the picture."""


def _box(pose: Pose) -> Box:
    """Where in the picture the canvas can be seen, in whole cells of the mesh."""
    edge = (np.array([[x, y] for x in (0, 0.5, 1) for y in (0, 0.5, 1)]) * [WIDTH, HEIGHT] - ORIGIN) / SCALE
    pixels = pose.project(edge) / _MESH
    low = np.clip(np.floor(pixels.min(0)), 0, SIZE // _MESH - 1).astype(int) * _MESH
    high = np.clip(np.ceil(pixels.max(0)) * _MESH, low + _MESH, SIZE).astype(int)
    return slice(low[1], high[1]), slice(low[0], high[0])


def _canvas_of_pixels(skin: Skin, pose: Pose, moved: np.ndarray, box: Box) -> tuple[np.ndarray, np.ndarray]:
    """For every pixel of ``box`` the canvas pixel that is seen there, in OpenCV's two fixed-point maps."""
    y, x = (np.arange(part.start, part.stop, _MESH) + (_MESH - 1) / 2 for part in box)
    vertices = np.stack(np.meshgrid(x, y), -1)  # in the middle of each cell
    field = (skin.weights @ moved[:, :2].astype(np.float32)).reshape(HEIGHT // GRID, WIDTH // GRID, 2)
    field = field * np.float32(SCALE)
    seen = (pose.surface(vertices.reshape(-1, 2)) * SCALE + ORIGIN).astype(np.float32)[
        :, None
    ]  # on the moved face
    place = seen
    for _ in range(4):  # seen = place + displacement at place
        at = place * np.float32(1 / GRID)
        place = seen - cv2.remap(field, at, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)  # type: ignore[call-overload]
    size = len(x) * _MESH, len(y) * _MESH
    fine = cv2.resize(place.reshape(vertices.shape), size, interpolation=cv2.INTER_LINEAR)
    return cv2.convertMaps(fine, None, cv2.CV_16SC2)  # type: ignore[call-overload,return-value]


def _shade(skin: Skin, folded: np.ndarray, pose: Pose, scene: Scene) -> np.ndarray:
    """``uint8[HEIGHT, WIDTH]``: light on every piece of the canvas, 128 where it is neutral."""
    light = lit(skin.normals, folded, scene.light @ pose.rotation, scene.ambient)
    return cv2.convertScaleAbs(cv2.max(light, 0.05), alpha=128 * 1.06)  # type: ignore[call-overload]


def toned(shade: np.ndarray, scene: Scene) -> np.ndarray:
    """``uint8[H, W, 3]``: how much of each colour comes back from skin under ``shade``, 128 for all of it."""
    return cv2.LUT(cv2.merge([shade, shade, shade]), scene.tones)


def _composed(
    skin: Skin, shade: np.ndarray, where: tuple[np.ndarray, np.ndarray], box: Box, scene: Scene
) -> np.ndarray:
    """The head before the background."""
    face = cv2.multiply(skin.colour, toned(shade, scene), scale=1 / 128)
    seen = cv2.remap(face, *where, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    cover = cv2.remap(skin.cover, *where, cv2.INTER_LINEAR, borderValue=0)  # type: ignore[call-overload]
    share = cv2.multiply(cover, 1 / 255, dtype=cv2.CV_32F)  # type: ignore[call-overload]
    image = scene.background.copy()
    image[box] = cv2.blendLinear(seen, np.ascontiguousarray(image[box]), share, 1 - share)
    return image


def _filmed(image: np.ndarray, scene: Scene, rng: np.random.Generator) -> np.ndarray:
    """The lens's blur and the sensor's noise."""
    image = cv2.GaussianBlur(image, (5, 5), scene.blur)
    x, y = rng.integers(0, scene.grain.shape[0] - SIZE, 2)
    grain = np.ascontiguousarray(scene.grain[y : y + SIZE, x : x + SIZE])
    return cv2.add(image, grain, dtype=cv2.CV_8U)
