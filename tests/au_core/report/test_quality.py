import re

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from au_core.config import PreprocessConfig, SyntheticConfig
from au_core.data.files import write_table
from au_core.data.readers import list_sequences
from au_core.data.schema import QUALITY
from au_core.data.synthetic.write import plan_sequences, write_sequence
from au_core.errors import DatasetError
from au_core.face.prepare import prepare_sequence
from au_core.report.quality import write_quality_report
from au_core.report.survey import survey
from tests.toy import write_toy_faces


@pytest.fixture(scope="module")
def faces(tmp_path_factory):
    cfg, out = SyntheticConfig(subjects=3, sequences=2, frames=9), tmp_path_factory.mktemp("page")
    for subject, task in plan_sequences(cfg):
        write_sequence(cfg, subject, task, out / "data")
    refs = list_sequences("bp4d", out / "data")
    next((out / "data" / refs[0].source).iterdir()).write_bytes(b"no picture")
    (out / "data" / refs[1].labels[0]).write_text("<script>alert(1)</script>")
    rows = [prepare_sequence(ref, None, PreprocessConfig(size=64), out / "faces") for ref in refs]
    write_table(pa.Table.from_pylist(rows, QUALITY), out / "faces" / "quality.parquet")
    return out / "faces"


def test_the_survey_counts_what_the_shards_hold(faces):
    found = survey(faces)
    assert [person.name for person in found.people] == ["F001", "F003", "F004"]
    assert [person.found for person in found.people] == [8, 18, 18]
    assert found.histograms["yaw"].sum() == 44 and found.histograms["confidence"].sum() == 0
    assert all(len(person.faces) == (8 if person.name == "F001" else 12) for person in found.people)
    person = found.people[1]
    assert 0 <= person.active["AU12"] <= person.coded["AU12"] <= 18 and "AU09" not in found.aus


def test_a_frame_counts_whoevers_face_is_in_it(tmp_path):
    """Of a video with two people: where the main one is away, the other's face is there."""
    shard = write_toy_faces(tmp_path, ["F001"], frames=10) / "subject=F001" / "T1.parquet"
    table = pq.read_table(shard)
    ids = pa.array([0] * 6 + [1] * 4, table.schema.field("face_id").type)
    where = table.column_names.index("face_id")
    write_table(table.set_column(where, table.schema.field("face_id"), ids), shard)
    row = {"subject": "F001", "sequence": "T1", "status": "ok"}
    write_table(pa.Table.from_pylist([row], QUALITY), tmp_path / "quality.parquet")
    (person,) = survey(tmp_path).people
    assert (person.frames, person.found) == (10, 10)


def test_the_page_shows_people_rates_and_losses_and_needs_no_network(faces):
    text = write_quality_report(faces).read_text()
    assert text.count('alt="Faces of ') == 3 and "data:image/jpeg" in text and "data:image/png" in text
    assert "could not be decoded" in text and "failed: 0 decoded" in text and "AU12" in text
    assert "6 sequences of 3 people, 1 failed, 1 with losses: 45 coded frames; 44 frames in all were" in text
    assert "<script" not in text and not re.search(r'(src|href)="(?!data:|#)', text)


def test_without_shards_it_says_so(tmp_path):
    with pytest.raises(DatasetError, match=r"no quality.parquet or no face shard"):
        write_quality_report(tmp_path)
