import os

from pipelines.machinery.cluster import _without_the_log_level


def test_rays_word_of_its_log_level_is_dropped_and_no_other(capfd):
    with _without_the_log_level():
        os.write(2, b"[2026 I 1 1] logging.cc:303: Set ray log level from environment variable\n")
        os.write(2, b"something went wrong\n")
    os.write(2, b"later\n")
    assert capfd.readouterr().err == "something went wrong\nlater\n"


def test_what_was_said_before_an_error_is_kept(capfd):
    try:
        with _without_the_log_level():
            os.write(2, b"why\n")
            raise KeyError
    except KeyError:
        assert capfd.readouterr().err == "why\n"
