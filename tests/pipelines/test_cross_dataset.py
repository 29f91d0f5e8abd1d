import pandas as pd
import pyarrow.dataset as ds
import pytest
from sklearn.metrics import f1_score, roc_auc_score

from au_core.config import SyntheticConfig
from au_core.data.files import read_json
from au_core.errors import ConfigError, DatasetError
from au_core.models.card import load_card
from pipelines import cross_dataset
from pipelines.cross_dataset import finished as named
from tests.au_core.data.trees import draw

RUN = "ours/missing=0.5/fold=1/seed=0"


@pytest.fixture(scope="module")
def disfa(tmp_path_factory):
    """Three drawn people in DISFA's layout."""
    cfg = SyntheticConfig(layout="disfa", subjects=3, sequences=1, frames=30)
    return draw(cfg, tmp_path_factory.mktemp("DISFA"))


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    """One folder for all, whose faces are found once."""
    return tmp_path_factory.mktemp("out")


def score(trained, data, out, *more: str) -> None:
    words = [str(trained), "--layout", "disfa", "--data", str(data), "--out", str(out)]
    cross_dataset.main([*words, *more])


def test_models_are_scored_on_aus_that_both_know_by_the_other_datasets_codes(
    local_ray, finished, disfa, out, capsys, monkeypatch
):
    score(finished.out, disfa, out)
    said = capsys.readouterr().out
    assert "ours missing=0.5 fold=1 seed=0  test F1" in said and "o_wlc missing=0.5 fold=1" in said
    table = pd.read_csv(out / "table.csv").set_index(["model", "au"])
    assert list(table.loc[RUN].index) == ["AU01", "AU02", "AU04", "AU06", "AU12", "AU15", "AU17"]

    shards = ds.dataset(sorted(map(str, out.glob("faces/subject=*/*.parquet")))).to_table().to_pandas()
    rows = pd.read_parquet(out / "models" / RUN / "predictions.parquet")
    assert len(rows) == len(shards) == 90 and rows.AU07_true.isna().all()
    threshold = load_card(finished.out / "runs" / RUN).thresholds["AU12"]
    assert rows.AU12_true.tolist() == (shards.AU12 >= 2).astype(int).tolist()
    assert 0 < rows.AU12_true.sum() < (shards.AU12 >= 1).sum()  # so 1 and 2 are told apart
    ours = table.loc[(RUN, "AU12")]
    assert ours.f1 == pytest.approx(f1_score(rows.AU12_true, rows.AU12_prob >= threshold))
    assert ours.auc == pytest.approx(roc_auc_score(rows.AU12_true, rows.AU12_prob))

    before = {path: path.stat().st_mtime_ns for path in out.rglob("predictions.parquet")}
    monkeypatch.setattr("ray.remote", lambda *_: pytest.fail("asked again"))
    score(finished.out, disfa, out)
    assert {path: path.stat().st_mtime_ns for path in out.rglob("predictions.parquet")} == before
    assert len(before) == 2


def test_answers_that_are_gone_are_asked_for_again(local_ray, finished, disfa, out):
    """Though the note of what they were made from is still there."""
    answers = out / "models" / RUN / "predictions.parquet"
    score(finished.out / "runs" / RUN, disfa, out)
    before = pd.read_parquet(answers)
    answers.unlink()
    score(finished.out / "runs" / RUN, disfa, out)
    pd.testing.assert_frame_equal(pd.read_parquet(answers), before)


def test_other_codes_are_other_answers(local_ray, finished, disfa, out):
    """What counts as active is asked anew, not taken from the predictions that are there."""
    for word, least in (("2", 2), ("4", 4)):
        score(finished.out / "runs" / RUN, disfa, out, "--active-from", word)
        rows = pd.read_parquet(out / "models" / RUN / "predictions.parquet")
        shards = ds.dataset(sorted(map(str, out.glob("faces/subject=*/*.parquet")))).to_table().to_pandas()
        assert rows.AU12_true.tolist() == (shards.AU12 >= least).astype(int).tolist()
    assert read_json(out / "models" / RUN / "made_from.json")["active_from"] == 4


def test_models_are_named_by_their_experiment_or_one_by_one(finished, tmp_path):
    runs = finished.out / "runs"
    assert [run.path.parts[-4] for run in named([finished.out])] == ["o_wlc", "ours"]
    assert [run.path for run in named([runs / RUN])] == [runs / RUN]
    with pytest.raises(ConfigError, match=f"{tmp_path}: no finished training"):
        named([tmp_path])
    with pytest.raises(ConfigError, match=f"both are {RUN}"):
        named([runs / RUN, finished.out])


def test_a_manifest_may_lie_elsewhere_than_its_files(finished, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "own.csv").write_text("path,subject,sequence,frame,AU12\na.mp4,anna,smile,1,1\n")
    words = [str(finished.out), "--layout", "manifest", "--data", str(tmp_path / "own.csv")]
    words += ["--out", str(tmp_path / "out"), "--root"]
    with pytest.raises(DatasetError, match=r"own.csv: none of its 1 files .* expected them below .*/data "):
        cross_dataset.main([*words, str(tmp_path / "data")])


def test_an_experiments_own_folder_is_left_alone(finished, disfa):
    with pytest.raises(ConfigError, match="an experiment's own folder"):
        score(finished.out, disfa, finished.out)
