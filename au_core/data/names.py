"""Names of people and files as paths and as text."""

import hashlib
import re
from pathlib import Path
from urllib.parse import quote, unquote

LONGEST = 180
"""Bytes of a name in one path component; file systems allow 255, and temporary files need some."""


def quoted(name: str) -> str:
    """A name as one file-system component, URL-quoted the way hive partitioning reads it back.

    Letters of any script stay as they are. A name too long for a file system keeps its beginning, and a
    digest tells it from others.
    """
    text = re.sub(r"[^\w @+,()\[\].~-]", lambda match: quote(match[0], safe=""), name)
    if len(text.encode()) <= LONGEST:
        return text
    digest = hashlib.blake2b(name.encode(), digest_size=8).hexdigest()
    start = text.encode()[: LONGEST - 17].decode(errors="ignore")
    return re.sub(r"%[0-9A-F]?$", "", start) + "~" + digest


def as_planned(name: str) -> str:
    """A subject as plans call it: by the name of its folder, which shortens very long ones."""
    return unquote(quoted(name))


def readable(name: str) -> str:
    """A file's name as text that can be printed and stored; bytes that are no UTF-8 are escaped."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def is_utf8(path: Path) -> bool:
    """Whether OpenCV can be given a name: bytes that are no UTF-8 crash the process."""
    return readable(str(path)) == str(path)
