from au_core.data.layouts.videos import other_kinds


def test_files_of_other_kinds_are_counted_not_lost_silently(tmp_path):
    for name in ("a.mp4", "b.heic", "c.HEIC", "no_ending", ".hidden/x.heic", "deep/d.wav"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert other_kinds(tmp_path) == "4 files of other kinds (.heic 2, .wav 1, no ending 1)"
    assert other_kinds(tmp_path / "a.mp4") == ""
