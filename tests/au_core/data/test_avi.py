import struct

import pytest

from au_core.data.avi import frames_in_index


def avi(*chunks: bytes) -> bytes:
    body = b"AVI " + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def chunk(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)


def index(*entries: tuple[bytes, int]) -> bytes:
    return chunk(b"idx1", b"".join(struct.pack("<4sIII", stream, 16, 4, size) for stream, size in entries))


PICTURES = chunk(b"LIST", b"movi" + b"x" * 37)
FOUR = index((b"00dc", 9), (b"01wb", 9), (b"00dc", 9), (b"00dc", 0), (b"00db", 9), (b"00dc", 9))


@pytest.mark.parametrize(("data", "frames"), [
    (avi(PICTURES, FOUR), 4),
    (avi(chunk(b"LIST", b"hdrl"), PICTURES, FOUR, chunk(b"JUNK", b"")), 4),
    (avi(PICTURES, FOUR)[:-20], 2),
    (avi(PICTURES), 0),
    (avi(PICTURES, FOUR)[:30], 0),
    (avi(PICTURES, FOUR).replace(b"AVI ", b"WAVE"), 0),
    (b"", 0),
])  # fmt: skip
def test_pictures_are_counted_that_are_new(tmp_path, data, frames):
    (tmp_path / "a.avi").write_bytes(data)
    assert frames_in_index(tmp_path / "a.avi") == frames
