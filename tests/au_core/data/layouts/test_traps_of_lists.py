"""The traps of list files and manifests, which name pictures that lie elsewhere."""

import shutil

import numpy as np
import pytest

from au_core.data.provenance import content_hash
from au_core.data.readers import list_sequences, read_rows
from au_core.errors import DatasetError
from tests.au_core.data.trees import pixels, write_lists


@pytest.mark.parametrize("style", ["megraph", "jaa"])
@pytest.mark.parametrize("folder", ["img", "."])
def test_list_files_name_the_same_frames_and_codes(bp4d, style, folder):
    refs = list_sequences("bp4d", bp4d)
    plain = [read_rows(ref) for ref in refs]
    write_lists(bp4d, refs, style)
    for subject in {ref.subject for ref in refs} if folder != "." else ():
        (bp4d / folder).mkdir(exist_ok=True)
        shutil.move(bp4d / subject, bp4d / folder / subject)
    found = list_sequences("lists", bp4d)
    assert [(ref.subject, ref.sequence, ref.dataset) for ref in found] == [
        (ref.subject, ref.sequence, "BP4D") for ref in refs
    ]
    for ref, rows in zip(found, plain, strict=True):
        again = read_rows(ref)
        np.testing.assert_array_equal(again.frames, rows.frames)
        np.testing.assert_array_equal(again.codes, rows.codes[:, [rows.aus.index(au) for au in again.aus]])
        assert pixels(again)[0] is not None


def test_lists_of_folds_are_one_and_contradictions_are_refused(bp4d):
    refs = list_sequences("bp4d", bp4d)
    paths, labels = write_lists(bp4d, refs, "megraph")
    before = list_sequences("lists", bp4d)
    for path in (paths, labels):
        shutil.copy(path, path.with_name(path.name.replace("test", "train").replace("fold1", "fold2")))
    after = list_sequences("lists", bp4d)
    assert [ref.lines for ref in after] == [ref.lines for ref in before], "nothing new, nothing to do again"
    assert [content_hash(ref) for ref in after] == [content_hash(ref) for ref in before]
    text = labels.read_text()
    labels.write_text(("1" if text[0] == "0" else "0") + text[1:])
    with pytest.raises(DatasetError, match="is listed twice with different codes or folders"):
        list_sequences("lists", bp4d)


def test_a_list_without_its_labels_is_named_unless_others_code_its_pictures(bp4d):
    paths, labels = write_lists(bp4d, list_sequences("bp4d", bp4d), "jaa")
    before = list_sequences("lists", bp4d)
    union = paths.with_name("BP4D_combine_1_2_path.txt")
    shutil.copy(paths, union)
    assert list_sequences("lists", bp4d) == before
    union.write_text(union.read_text() + "M018/T1/1.jpg\n")
    part = paths.with_name("BP4D_part2_path.txt")
    part.write_text("M018/T1/1.jpg\n")
    missing = (
        "BP4D_part2_AUoccur.txt: no such file; expected the codes of the 1 pictures in BP4D_part2_path.txt"
    )
    with pytest.raises(DatasetError, match=missing):
        list_sequences("lists", bp4d)
    labels.unlink()
    with pytest.raises(DatasetError, match=r"BP4D_part2_AUoccur\.txt: no such file"):
        list_sequences("lists", bp4d)


def jaa_checkout(root):
    """Lists of two datasets in data/list, pictures in dataset/BP4D and dataset/DISFA."""
    refs = list_sequences("bp4d", root)
    for path in write_lists(root, refs, "jaa"):
        if "_path" in path.name:
            path.write_text("".join(f"BP4D/{line}\n" for line in path.read_text().splitlines()))
    (root / "list" / "DISFA_part1_path.txt").write_text("DISFA/SN001/0.jpg\nDISFA/SN001/1.jpg\n")
    (root / "list" / "DISFA_part1_AUoccur.txt").write_text("0 0 0 0 0 1 0 0\n" * 2)
    (root / "list" / "DISFA_part2_path.txt").write_text("DISFA/SN002/0.jpg\n")
    (root / "data").mkdir()
    shutil.move(root / "list", root / "data" / "list")
    for subject in {ref.subject for ref in refs}:
        shutil.move(root / subject, root / "dataset" / "BP4D" / subject)
    return refs


def test_of_two_datasets_in_one_checkout_the_recipe_chooses(bp4d):
    refs = list_sequences("bp4d", bp4d)
    plain = pixels(read_rows(refs[0]))
    assert jaa_checkout(bp4d) == refs
    found = list_sequences("lists", bp4d, dataset="BP4D")
    assert [(ref.subject, ref.sequence) for ref in found] == [(ref.subject, ref.sequence) for ref in refs]
    assert found[0].source == f"dataset/BP4D/{refs[0].source}" and pixels(read_rows(found[0])) == plain
    with pytest.raises(DatasetError, match=r"DISFA_part2_AUoccur\.txt: no such file"):
        list_sequences("lists", bp4d, dataset="DISFA")
    (bp4d / "data" / "list" / "DISFA_part2_path.txt").unlink()
    assert [ref.subject for ref in list_sequences("lists", bp4d, dataset="DISFA")] == ["SN001"]
    with pytest.raises(DatasetError, match=r"lists of two datasets; .* --recipe bp4d_lists or disfa_lists"):
        list_sequences("lists", bp4d)


@pytest.mark.parametrize("name", ["img", "dataset"])
def test_a_link_may_stand_for_the_pictures_and_for_no_folder_of_a_list(bp4d, tmp_path, name):
    jaa_checkout(bp4d)
    shutil.move(bp4d / "dataset", tmp_path / "elsewhere")
    (bp4d / name).symlink_to(tmp_path / "elsewhere")
    (ref, *_) = list_sequences("lists", bp4d, dataset="BP4D")
    assert ref.source.startswith(name) and pixels(read_rows(ref))[0] is not None
    (bp4d / name).unlink()
    (bp4d / "BP4D").symlink_to(tmp_path / "elsewhere" / "BP4D")
    with pytest.raises(
        DatasetError, match=r"is a link out of .*; .* only img/ or dataset/ may itself be a link"
    ):
        list_sequences("lists", bp4d, dataset="BP4D")


@pytest.mark.parametrize(("path", "codes", "message"), [
    ("../F001/T1/1.jpg", "0 " * 12, "leads out of"),
    ("/F001/T1/1.jpg", "0 " * 12, "leads out of"),
    ("link/F001/T1/1.jpg", "0 " * 12, "is a link out of"),
    ("F001/T1/1.jpg", "0 " * 11, "expected 12 or 8 codes"),
    ("F001/T1/1.jpg", "7 " * 12, "expected 12 or 8 codes"),
    ("F001/T1/1.jpg\nF001/T1/2.jpg", "0 " * 12, "1 lines for 2 pictures"),
    ("somebody/1.jpg", "0 " * 12, "expected such as F001/T1/2440.jpg"),
])  # fmt: skip
def test_lists_that_cannot_be_right_are_refused(tmp_path, path, codes, message):
    root = tmp_path / "lists"
    (tmp_path / "F001" / "T1").mkdir(parents=True)
    root.mkdir()
    (root / "link").symlink_to(tmp_path)
    (root / "a_path.txt").write_text(path + "\n")
    (root / "a_label.txt").write_text(codes + "\n")
    with pytest.raises(DatasetError, match=message):
        list_sequences("lists", root)


def test_a_manifest_does_not_follow_links_out_of_its_folder(bp4d, tmp_path):
    root = tmp_path / "manifest"
    root.mkdir()
    (root / "film").symlink_to(bp4d)
    (root / "loop").symlink_to(root / "loop")
    for name in ("film/F001/T1/1.jpg", "loop/1.jpg"):
        (root / "manifest.csv").write_text(f"path,subject,sequence,frame,AU12\n{name},a,b,1,0\n")
        with pytest.raises(DatasetError, match=r"line 2: .*(is a link out of|cannot be followed)"):
            list_sequences("manifest", root)


def test_one_changed_line_of_a_manifest_changes_its_own_sequence_alone(bp4d):
    refs = list_sequences("bp4d", bp4d)[:2]
    lines = [f"{ref.source}/{path.name},{ref.subject},{ref.sequence},{n},{n % 2}" for ref in refs
             for n, path in read_rows(ref).pictures.items()]  # fmt: skip
    table = bp4d / "manifest.csv"
    table.write_text("\n".join(["path,subject,sequence,frame,AU12", *lines]) + "\n")
    before = [content_hash(ref) for ref in list_sequences("manifest", bp4d)]
    table.write_text(
        "\n".join(["path,subject,sequence,frame,AU12", *lines[:-1], lines[-1][:-1] + "9"]) + "\n"
    )
    after = [content_hash(ref) for ref in list_sequences("manifest", bp4d)]
    assert before[0] == after[0] and before[1] != after[1]
