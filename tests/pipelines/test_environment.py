"""What the commands set for OpenCV and FFmpeg, and the library leaves to the program around it."""

import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest

FREE = {name: value for name, value in os.environ.items() if not name.startswith("OPENCV_")}


def python(code: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Runs ``code`` in a process for which nobody has set anything of OpenCV."""
    words = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(words, env=FREE, capture_output=True, text=True, check=True)


def test_the_library_sets_nothing_of_the_program_around_it():
    code = "import os; before = {**os.environ}; import au_core.predictor, au_core.report.page"
    python(code + "; assert os.environ.keys() - before.keys() == {*()}, os.environ.keys() - before.keys()")


@pytest.fixture
def damaged(tmp_path, rng) -> Path:
    """A video of which every seventh byte of a half is another."""
    path = tmp_path / "damaged.mp4"
    film = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 25, (64, 64))
    for _ in range(20):
        film.write(rng.integers(0, 256, (64, 64, 3), dtype=np.uint8))
    film.release()
    content = np.fromfile(path, np.uint8)
    content[200 : len(content) // 2 : 7] ^= 0x55
    content.tofile(path)
    return path


READ = "from au_core.data.video import *; import sys; from pathlib import Path; path = Path(sys.argv[1]); "


def test_commands_read_damaged_videos_in_silence(damaged):
    code = READ + "print(len([*video_frames(path)]))"
    assert python(code, damaged).stderr, "FFmpeg says something, which a command is to say once"
    told = python("import pipelines.preprocess; " + code, damaged)
    assert told.stdout.strip().isdecimal() and not told.stderr


def test_commands_refuse_pictures_that_would_take_all_memory(tmp_path):
    """A PNG of a few bytes whose header says 16,384 x 16,384 pixels: twice what is allowed."""
    edge = 1 << 14
    rows = zlib.compress(bytes(1 + edge // 8) * edge)  # of one bit a pixel
    chunks = ((b"IHDR", struct.pack(">IIBBBBB", edge, edge, 1, 0, 0, 0, 0)), (b"IDAT", rows), (b"IEND", b""))
    parts = (
        struct.pack(">I", len(x)) + kind + x + struct.pack(">I", zlib.crc32(kind + x)) for kind, x in chunks
    )
    (tmp_path / "large.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(parts))
    code = "import pipelines.preprocess; " + READ + "print(read_picture(path))"
    assert python(code, tmp_path / "large.png").stdout == "None\n"
