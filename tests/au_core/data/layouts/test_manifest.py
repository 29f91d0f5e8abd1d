"""A manifest of one's own, as people and programs write it."""

import os
import shutil
import tracemalloc
from pathlib import Path

import pytest

from au_core.data.layouts import manifest
from au_core.data.layouts.table import read_table
from au_core.data.provenance import content_hash, signature
from au_core.data.readers import list_sequences, read_rows
from au_core.errors import DatasetError

MANIFEST = "path,subject,sequence,frame,AU01,AU12\n"


def test_a_manifest_names_pictures_and_videos(bp4d, tmp_path):
    ref = list_sequences("bp4d", bp4d)[0]
    pictures = [path.name for path in sorted((bp4d / ref.source).iterdir())][:2]
    table = bp4d / "manifest.csv"
    table.write_text(
        MANIFEST
        + f"{ref.source}/{pictures[1]},anna,smile,2,1,9\n{ref.source}/{pictures[0]},anna,smile,1,0,\n"
    )
    for root in (bp4d, table):
        (found,) = list_sequences("manifest", root)
        rows = read_rows(found)
        assert (found.subject, found.sequence, rows.aus) == ("anna", "smile", (1, 12))
        assert rows.frames.tolist() == [1, 2] and rows.codes.tolist() == [[0, -1], [1, -1]]
        assert rows.pictures[1].name == pictures[0]


@pytest.mark.parametrize(("line", "message"), [
    ("../secret.jpg,a,b,1,0,0\n", "leads? out of|out of the"),
    ("/etc/passwd,a,b,1,0,0\n", "leads? out of|out of the"),
    ("a.jpg,a,b,one,0,0\n", "frame 'one'"),
    ("a.mp4,a,b,1,0,0\na.mp4,a,b,0,0,0\n", r"line 3: frame '0'; expected .* from 1 on \(1 is a video"),
    ("a.jpg,a,b,1,0,7\nb.jpg,a,b,2,x,0\n", r"line 2: AU12 is '7'; expected 0 to 5, .* \(and 1 more such"),
    ("a.jpg,anna,b,1,0,0\na.jpg,Anna,b,1,0,0\n", "line 3: a.jpg is of Anna, before it was of anna"),
    ("./a.jpg,anna,b,1,0,0\nx/../a.jpg,Anna,b,1,0,0\n", "line 3: .* is of Anna, before it was of anna"),
    ("a.jpg,anna,b,1,0,0\nb.jpg,bert,b,1,0,0\nc.jpg,Anna,c,1,0,0\n", "line 4: .* 'anna' of line 2"),
    ("a.jpg,Ren\u00e9,b,1,0,0\nb.jpg,Rene\u0301,b,1,0,0\n", "line 3: .*e\u0301' is 'Ren\u00e9' of line 2"),
    ("a.jpg,a,,1,0,0\n", "line 2: sequence must not be empty"),
    ("a.jpg,a,b,1,0,0\na.jpg,a,b,1,0,0\n", "line 3: frame 1 of this .* is listed twice, first in line 2"),
    ("a.mp4,a,b,1,0,0\nb.mp4,a,b,2,0,0\n", "video"),
    ("a\0.jpg,a,b,1,0,0\n", "line 2: path .* cannot be followed"),
])  # fmt: skip
def test_a_manifest_that_cannot_be_right_is_refused(tmp_path, line, message):
    (tmp_path / "manifest.csv").write_text(MANIFEST + line)
    with pytest.raises(DatasetError, match=message):
        list_sequences("manifest", tmp_path)


def test_one_picture_by_two_names_is_of_one_person(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"a picture")
    (tmp_path / "b.jpg").symlink_to("a.jpg")
    (tmp_path / "manifest.csv").write_text(MANIFEST + "a.jpg,anna,t,1,0,0\nb.jpg,bert,t,1,0,0\n")
    with pytest.raises(DatasetError, match=r"line 3: b.jpg is of bert, before it was of anna"):
        list_sequences("manifest", tmp_path)


def test_manifest_codes_may_be_written_as_pandas_writes_them(bp4d):
    ref = list_sequences("bp4d", bp4d)[0]
    names = [f"{ref.source}/{path.name}" for path in sorted((bp4d / ref.source).iterdir())]
    codes = ["1.0,", "0.0,2.0", ",9.0", "1,0"]
    lines = [f"{name},a,b,{i},{code}\n" for i, (name, code) in enumerate(zip(names, codes, strict=True))]
    (bp4d / "manifest.csv").write_text(MANIFEST + "".join(lines))
    rows = read_rows(list_sequences("manifest", bp4d)[0])
    assert rows.codes.tolist() == [[1, -1], [0, 2], [-1, -1], [1, 0]] and rows.kind == "intensity"


def test_what_stands_for_the_lines_of_a_manifest_is_what_it_always_was(tmp_path):
    """Else every face folder that people have would be made anew, and its trainings refused."""
    lines = "a.mp4,a,b,1, 1.0,9\na.mp4,a,b, 02,,9.000e+00\na.mp4,a,b,3.0,5,0\nc.png,c,d,0,1,1\n"
    (tmp_path / "manifest.csv").write_text(MANIFEST + lines)
    (tmp_path / "a.mp4").touch()
    assert [ref.lines for ref in list_sequences("manifest", tmp_path)] == [
        "afa687a051159aa010f01d16107cca7b",
        "2fd38aa32a749f446ca3256dc7a664c8",
    ]


def test_a_long_manifest_takes_little_memory_and_asks_once_for_each_file(tmp_path, monkeypatch):
    asked, stat = [], os.stat
    monkeypatch.setattr(os, "stat", lambda path, **more: asked.append(Path(path).name) or stat(path, **more))
    lines = [f"{i // 2500}.mp4,anna,{i // 2500},{i % 2500 + 1},{'019'[i % 3]},\n" for i in range(5000)]
    (tmp_path / "manifest.csv").write_text(MANIFEST + "".join(lines))
    tracemalloc.start()
    _, table = read_table(tmp_path / "manifest.csv", None)
    held = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert held / 5000 < 200 and sum(map(len, table.rows.values())) == 5000
    assert asked.count("0.mp4") == asked.count("1.mp4") == 1


@pytest.mark.parametrize(("text", "message"), [
    (MANIFEST.replace(",", ";") + "a.jpg;a;b;1;0;0\n", r"by semicolons; .*commas.*, sep=';'\)\.to_csv"),
    (MANIFEST.replace(",", "\t") + "a.jpg\ta\tb\t1\t0\t0\n", r"by tabs; .*commas.*sep='\\t'\)\.to_csv"),
    ("", "the file is empty; expected path,subject,sequence,frame,AU01"),
    ("path,subject,frame,AU01\na.jpg,a,1,0\n", "no column sequence in path,subject,frame,AU01; expected"),
    ("path,subject,sequence,frame,age\na.jpg,a,b,1,0\n", "no column of an AU in path,.*,age; expected"),
    (MANIFEST.replace("12", "1"), "two columns AU01; expected each once, so remove or rename one"),
    (MANIFEST.replace("AU12", "frame"), "two columns frame; expected each once"),
    (MANIFEST.replace("AU12", "AU_12x"), "'AU_12x' is no action unit; expected a name .* AU12; rename"),
    (MANIFEST.replace("AU12", "au12_c"), "'au12_c' is no action unit; .*, or remove it if it holds no codes"),
    (MANIFEST.replace("AU12", "AUtwelve"), "'AUtwelve' is no action unit"),
    (MANIFEST + "/data/a.jpg,a,b,1,0,0\n", "line 2: .*; write paths relative to the CSV"),
    (MANIFEST + "../a.jpg,a,b,1,0,0\n", "line 2: .*; write paths relative to the CSV"),
    (MANIFEST + "a.jpg,a,b,1,.0,0\n", r"line 2: AU01 is '\.0'; expected 0 to 5"),
])  # fmt: skip
def test_a_manifest_that_a_program_wrote_otherwise_says_what_to_do(tmp_path, text, message):
    (tmp_path / "manifest.csv").write_text(text)
    with pytest.raises(DatasetError, match=message):
        read_rows(list_sequences("manifest", tmp_path)[0])


@pytest.mark.parametrize("order", ["utf-16", "utf-16-le", "utf-16-be"])
def test_a_manifest_in_excels_unicode_says_how_to_save_it(tmp_path, order):
    mark = "" if order == "utf-16" else "\ufeff"
    (tmp_path / "manifest.csv").write_bytes((mark + MANIFEST).encode(order))
    with pytest.raises(DatasetError, match=r"it is UTF-16, as Excel's Unicode text\); save it as UTF-8"):
        list_sequences("manifest", tmp_path)
    (tmp_path / "manifest.csv").write_bytes((MANIFEST + "a.jpg,Ren\u00e9,b,1,0,0\n").encode("latin-1"))
    with pytest.raises(DatasetError, match=r"can't decode byte 0xe9 .*; save it as UTF-8"):
        list_sequences("manifest", tmp_path)


def test_columns_of_a_manifest_are_found_by_name_and_others_passed_over(tmp_path):
    table = tmp_path / "manifest.csv"
    (tmp_path / "a.mp4").touch()
    table.write_text(MANIFEST + "a.mp4,anna,smile,1.0,0,\na.mp4,anna,smile,2,1.0,9\n")
    plain = list_sequences("manifest", tmp_path)[0]
    assert manifest.remarks(tmp_path) == []
    table.write_text(
        ",AU01,notes, frame ,sequence,author,AU12,path,subject\n"
        '0,0,"a, b",1,smile,,,a.mp4,anna\n1,1,;,2,smile,x,9,a.mp4,anna\n'
    )
    (found,) = list_sequences("manifest", table)
    assert found == plain, "with the same digest of its lines"
    rows = read_rows(found)
    assert rows.aus == (1, 12) and rows.codes.tolist() == [[0, -1], [1, -1]]
    assert manifest.remarks(table) == ["columns passed over: '', 'notes', 'author'; codes are AU01, AU12"]
    table.write_text(table.read_text().replace("AU12", "A12"))
    (doubt,) = manifest.remarks(table)
    assert doubt.startswith("warning: columns passed over: ") and doubt.endswith("'A12'; codes are AU01")
    table.write_text("a,b,c,d,e,f,g," + MANIFEST + "1,2,3,4,5,6,7,a.mp4,anna,smile,1,0,\n")
    assert "'d', 'e', 2 more; codes" in manifest.remarks(table)[0]


def test_a_manifest_elsewhere_than_its_files_is_the_same(bp4d, tmp_path):
    """So that data may lie where nothing can be written; faces that are there are kept if it is moved."""
    ref = list_sequences("bp4d", bp4d)[0]
    names = [f"{ref.source}/{path.name}" for path in sorted((bp4d / ref.source).iterdir())]
    lines = [f"{name},anna,smile,{i},1,\n" for i, name in enumerate(names)]
    (bp4d / "manifest.csv").write_text(MANIFEST + "".join(lines))
    (beside,) = list_sequences("manifest", bp4d)
    shutil.move(bp4d / "manifest.csv", tmp_path / "own.csv")
    (apart,) = list_sequences("manifest", tmp_path / "own.csv", base=bp4d)
    assert (apart.lines, apart.root, apart.source) == (beside.lines, beside.root, beside.source)
    assert content_hash(apart) == content_hash(beside) and signature(apart) == signature(beside)
    rows = read_rows(apart)
    assert rows.pictures == {i: bp4d / name for i, name in enumerate(names)}
    assert manifest.remarks(tmp_path / "own.csv", bp4d) == []
    (tmp_path / "own.csv").write_text(MANIFEST + "../own.csv,anna,smile,1,0,0\n")
    with pytest.raises(DatasetError, match=r"line 2: path '../own.csv' leads out of .*BP4D; .*--root DIR"):
        list_sequences("manifest", tmp_path / "own.csv", base=bp4d)
    with pytest.raises(DatasetError, match="nowhere: no such folder; expected that in which the paths of"):
        list_sequences("manifest", tmp_path / "own.csv", base=tmp_path / "nowhere")


def test_files_of_a_manifest_that_are_not_there_are_told_and_refused_if_it_is_all_of_them(tmp_path):
    """Else each fails alone, hours later."""
    names = ["a.mp4", "b/1.jpg", "./b//1.jpg", "b/2.jpg"]
    lines = [f"{name},anna,{name[0]}{i},{i},1,0\n" for i, name in enumerate([*names, names[0]], start=1)]
    (tmp_path / "manifest.csv").write_text(MANIFEST + "".join(lines))
    with pytest.raises(DatasetError, match=r"none of its 3 files is there, the first a.mp4 \(line 2\); exp"):
        list_sequences("manifest", tmp_path)
    (tmp_path / "a.mp4").touch()
    assert len(list_sequences("manifest", tmp_path)) == 5
    assert manifest.remarks(tmp_path) == [
        "warning: 2 of 3 files are not there, the first b/1.jpg (line 3); bring them, correct their paths, "
        "or go on without them"
    ]
    (tmp_path / "b").mkdir()
    for name in names[1:]:
        (tmp_path / name).touch()
    assert manifest.remarks(tmp_path) == []
