from urllib.parse import unquote

import pyarrow as pa
import pytest

from au_core.data.files import read_json, write_json, write_table
from au_core.data.names import quoted
from au_core.data.schema import QUALITY
from au_core.report.coverage import coverage
from au_core.report.notice import notice
from au_core.report.results import collect
from au_core.report.settings import run_table
from tests.toy_runs import write_protocol, write_run


def write_quality_of(out, *rows):
    """Rows of subject, coded frames and how many of them show a face, another 7 faces in uncoded ones.

    Frames that nobody could count are of a failed sequence.
    """
    names = ("subject", "frames_coded", "faces_coded", "faces_found", "status")
    status = {None: "failed"}
    found = [dict(zip(names, (*row, row[2] + 7, status.get(row[1], "ok")), strict=True)) for row in rows]
    write_table(pa.Table.from_pylist(found, QUALITY), out / "faces" / "quality.parquet")


def subjects_row(out) -> str:
    return dict(run_table(collect(out)).rows)["Subjects"]


def test_frames_of_a_video_that_decoded_well_but_shows_no_face_are_told(tmp_path):
    write_run(tmp_path, "ours", 0.5, 1, 0, 0.5)
    assert coverage(collect(tmp_path)) == {} and subjects_row(tmp_path).endswith("1 to test (20 faces)")
    write_quality_of(tmp_path, ("M001", 1000, 997), ("M001", 200, 0), ("F003", 900, 0), ("F001", 900, 0))
    assert subjects_row(tmp_path).endswith("1 to test (20 faces: a face in 997 of 1,200 coded frames)")
    assert "scores: test part 1, a face in 997 of 1,200 coded frames. See" in notice(collect(tmp_path))


@pytest.mark.parametrize(("found", "told"), [(979, True), (980, False)])
def test_few_frames_without_a_face_are_no_news(tmp_path, found, told):
    write_protocol(tmp_path)
    write_quality_of(tmp_path, ("M001", 1000, found))
    assert ("Frames without a face are missing from the scores" in notice(collect(tmp_path))) == told


def test_people_without_a_face_and_sequences_nobody_could_count_are_told(tmp_path):
    write_run(tmp_path, "ours", 0.5, 1, 0, 0.5)
    write_quality_of(tmp_path, ("M001", 100, 0), ("M001", None, 0))
    words = "a face in 0 of 100 coded frames, people without any: 1, failed sequences not counted: 1"
    assert subjects_row(tmp_path).endswith(f"(20 faces: {words})")


def test_people_are_found_by_the_names_that_plans_give_them(tmp_path):
    """Folders shorten very long names, and plans take the folders'."""
    name = "m" * 300
    folder = write_run(tmp_path, "ours", 0.5, 1, 0, 0.5)
    config = read_json(folder.config)
    config["plan"]["test_subjects"] = [unquote(quoted(name))]
    write_json(config, folder.config)
    write_quality_of(tmp_path, (name, 100, 50))
    assert coverage(collect(tmp_path))[1].share == 0.5
