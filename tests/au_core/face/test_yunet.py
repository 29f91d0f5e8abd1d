import hashlib
import io
from urllib.error import URLError

import pytest

from au_core.errors import FaceError
from au_core.face import yunet
from au_core.face.yunet import cache_folder, fetch_yunet


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return cache_folder()


def test_the_model_is_fetched_once_and_checked(cache, monkeypatch):
    content, asked = b"the model", []
    monkeypatch.setattr(yunet, "YUNET_SHA256", hashlib.sha256(content).hexdigest())
    monkeypatch.setattr(yunet, "urlopen", lambda url, timeout: asked.append(url) or io.BytesIO(content))
    assert fetch_yunet() == fetch_yunet() and fetch_yunet().read_bytes() == content
    assert len(asked) == 1 and cache in fetch_yunet().parents


def test_a_cache_that_cannot_be_written_to_is_told_with_two_ways_out(cache, monkeypatch):
    monkeypatch.setattr(yunet, "YUNET_SHA256", hashlib.sha256(b"the model").hexdigest())
    monkeypatch.setattr(yunet, "urlopen", lambda url, timeout: io.BytesIO(b"the model"))
    cache.write_text("a file where a folder belongs")
    told = r"\.onnx: cannot be written .*; let XDG_CACHE_HOME name a folder .*, or give .*--detector PATH"
    with pytest.raises(FaceError, match=told):
        fetch_yunet()


def test_other_bytes_are_not_used(cache, monkeypatch):
    monkeypatch.setattr(yunet, "urlopen", lambda url, timeout: io.BytesIO(b"something else"))
    with pytest.raises(FaceError, match="came, expected"):
        fetch_yunet()
    assert not any(cache.rglob("*.onnx"))


def test_without_network_it_says_where_to_get_it_and_where_to_put_it(cache, monkeypatch):
    def offline(url, timeout):
        raise URLError("no network")

    monkeypatch.setattr(yunet, "urlopen", offline)
    with pytest.raises(FaceError, match=r"Download https://\S+ to \S+\.onnx, or give .*--detector"):
        fetch_yunet()
