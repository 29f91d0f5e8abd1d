from au_core.run_folder import read_history


def test_a_line_still_being_written_is_not_read(tmp_path):
    path = tmp_path / "history.jsonl"
    path.write_text('{"step": 1}\n{"step": 2')
    assert read_history(path) == [{"step": 1}] and read_history(tmp_path / "none") == []
