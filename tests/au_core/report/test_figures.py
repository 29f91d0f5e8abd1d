import json
from itertools import pairwise

import cv2
import numpy as np
import pytest

from au_core.data.files import read_json, write_json
from au_core.report import closeness, drawing, figures
from au_core.report.closeness import conditional_figure, marginal_figure
from au_core.report.drawing import COLOURS
from au_core.report.figures import au_figure, curves_figure, rate_figure
from au_core.report.results import collect
from au_core.run_folder import read_history, run_folders
from tests.toy_runs import change_plans, write_protocol, write_run


@pytest.fixture
def drawn(monkeypatch):
    """The canvases that were drawn, for a look at what is on them."""
    canvases, save = [], drawing.png_bytes
    for module in (drawing, figures):
        monkeypatch.setattr(module, "png_bytes", lambda canvas: canvases.append(canvas) or save(canvas))
    return canvases


@pytest.mark.parametrize("draw", [au_figure, rate_figure, curves_figure, marginal_figure, conditional_figure])
def test_figures_are_pictures_and_the_same_every_time(tmp_path, draw):
    write_protocol(tmp_path, rates=(0.0, 0.5))
    results = collect(tmp_path)
    figure = draw(results)
    picture = cv2.imdecode(np.frombuffer(figure.png, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None and min(picture.shape[:2]) > 300 and np.ptp(picture) > 200
    assert draw(results).png == figure.png


def test_au_figure_has_a_panel_for_each_rate_and_a_dot_for_each_training(tmp_path, drawn):
    write_protocol(tmp_path, rates=(0.0, 0.5))
    au_figure(collect(tmp_path))
    panels = drawn[0].axes
    assert [panel.get_title(loc="left") for panel in panels] == [
        "0 % of the labels hidden",
        "50 % of the labels hidden",
    ]
    *dots, marks = panels[0].collections
    assert [len(some.get_offsets()) for some in dots] == [3 * 13, 3 * 13]
    assert panels[0].patches[0].get_height() == pytest.approx(53.0)
    heights = [30.0] * 11 + [np.nan, 30.0]
    for end in (0, 1):
        found = [path.vertices[end, 1] for path in marks.get_paths()]
        assert found == pytest.approx(heights, nan_ok=True)


def test_a_curve_that_no_training_has_takes_no_room(tmp_path, drawn):
    write_protocol(tmp_path)
    curves_figure(collect(tmp_path))
    for folder in run_folders(tmp_path):
        lines = [
            {k: v for k, v in line.items() if k != "val/f1_avg"} for line in read_history(folder.history)
        ]
        folder.history.write_text("".join(json.dumps(line) + "\n" for line in lines))
    curves_figure(collect(tmp_path))
    before, after = ([panel.get_ylabel() for panel in canvas.axes] for canvas in drawn)
    assert "Validation F1, %" in before and "Validation F1, %" not in after
    assert len(before) == len(after) + 3


@pytest.fixture
def laid_out(monkeypatch):
    """The canvases, with everything in its place; no picture is made of them."""
    canvases = []

    def lay_out(canvas):
        canvas.draw_without_rendering()
        canvases.append(canvas)

    for module in (drawing, figures, closeness):
        monkeypatch.setattr(module, "png_bytes", lay_out)
    return canvases


@pytest.mark.parametrize("draw", [au_figure, marginal_figure, conditional_figure])
def test_no_number_on_an_axis_touches_the_next(tmp_path, laid_out, draw):
    write_many_aus(tmp_path, 30)
    draw(collect(tmp_path))
    for panel in laid_out[0].axes:
        labels = panel.get_xticklabels()
        assert [label.get_text() for label in labels][:30:9] == ["1", "10", "19", "28"]
        assert all(a.x1 + 1 < b.x0 for a, b in pairwise(label.get_window_extent() for label in labels))


def test_numbers_in_dark_cells_are_white(tmp_path, laid_out):
    folder = write_run(tmp_path, "ours", 0.5, 1, 0, 0.5)
    scores = read_json(folder.scores)
    scores["distributions"]["conditional"] = [[0.0, 0.39], [0.41, 0.9]]
    write_json({**scores, "aus": ["AU01", "AU02"]}, folder.scores)
    conditional_figure(collect(tmp_path))
    numbers = {text.get_text(): text.get_color() for text in laid_out[0].axes[0].texts}
    assert numbers == {"0": "black", "39": "black", "41": "white", "90": "white"}


@pytest.mark.parametrize("n", [1, 30])
def test_the_mark_of_always_active_is_as_wide_as_the_bars_of_an_au(tmp_path, laid_out, n):
    write_many_aus(tmp_path, n)
    au_figure(collect(tmp_path))
    panel = laid_out[0].axes[0]
    ours, others = (bars.patches for bars in panel.containers)
    left, right = np.array(panel.collections[-1].get_segments())[:, :, 0].T
    assert left == pytest.approx([bar.get_x() for bar in ours], abs=0.03)
    assert right == pytest.approx([bar.get_x() + bar.get_width() for bar in others], abs=0.03)


def write_many_aus(out, n):
    write_protocol(out)
    aus = [f"AU{k:02d}" for k in range(1, n + 1)]
    for folder in run_folders(out):
        scores = read_json(folder.scores)
        for part in ("val", "test", "test_selected", "test_at_half", "always_1"):
            scores[part] |= {metric: dict.fromkeys(aus, 0.3) for metric in ("f1", "auc", "accuracy")}
        of = scores["distributions"]
        of |= {"marginal": dict.fromkeys(aus, 0.2), "marginal_true": dict.fromkeys(aus, 0.3)}
        of["conditional"] = [[0.1] * n] * n
        write_json({**scores, "aus": aus}, folder.scores)


@pytest.mark.parametrize(("data", "labels"), [("synthetic", 0), ("BP4D", 1)])
def test_published_points_are_never_drawn_beside_drawn_people(tmp_path, drawn, data, labels):
    write_protocol(tmp_path, rates=(0.0, 0.5), data=data)
    rate_figure(collect(tmp_path))
    texts = [text.get_text() for text in drawn[0].legends[0].get_texts()]
    assert texts.count("Ours, as published") == labels


def test_published_points_are_never_drawn_beside_another_labelling(tmp_path, drawn):
    write_protocol(tmp_path, rates=(0.0, 0.5), data="BP4D")
    words = read_json(tmp_path / "experiment.json")
    words["config"]["layout"] = "disfa"  # whose own labels are active from code 2 on
    write_json(words, tmp_path / "experiment.json")
    rate_figure(collect(tmp_path))
    assert [text.get_text() for text in drawn[0].legends[0].get_texts()] == ["Ours", "O-wlc"]


def test_published_points_are_of_hidden_frames(tmp_path, drawn):
    write_protocol(tmp_path, rates=(0.0, 0.5), data="BP4D")
    for scheme, x in (("frame", [0, 50]), ("sequence", [0])):
        change_plans(tmp_path, missing_scheme=scheme)
        rate_figure(collect(tmp_path))
        (points,) = [c for c in drawn[-1].axes[0].collections if c.get_label() == "Ours, as published"]
        assert points.get_offsets()[:, 0].tolist() == x


def test_curves_follow_the_history_and_leave_out_an_untrained_discriminator(tmp_path, drawn):
    write_protocol(tmp_path)
    curves_figure(collect(tmp_path))
    axes = np.array(drawn[0].axes).reshape(5, 3)
    ours, o_wlc = axes[0, 0].lines
    assert ours.get_xydata().tolist() == [[1, 9], [2, 4.5], [3, 3]]
    assert (ours.get_color(), o_wlc.get_color()) == COLOURS[:2]
    for of_d in axes[1:4, 0]:
        assert [len(line.get_xdata()) for line in of_d.lines] == [3, 0]
    shares = [panel.lines[0].get_ydata().tolist() for panel in axes[2:, 0]]
    assert shares == [[90] * 3, [60] * 3, pytest.approx([10, 20, 30])], "in per cent"


def test_curves_have_no_row_for_what_no_training_has(tmp_path, drawn):
    write_run(tmp_path, "o_wlc", 0.5, 1, 0, 0.5)
    curves_figure(collect(tmp_path))
    labels = [panel.get_ylabel() for panel in drawn[0].axes]
    assert labels == ["Loss of R (Eq. 4)", "Validation F1, %"]
    assert [len(panel.lines[0].get_xdata()) for panel in drawn[0].axes] == [3, 3]
    assert drawn[0].axes[-1].get_xlabel() == "Step of Algorithm 1"


def test_a_training_without_history_has_no_curve(tmp_path, drawn):
    write_run(tmp_path, "ours", 0.5, 1, 0, 0.5).history.unlink()
    write_run(tmp_path, "ours", 0.5, 1, 1, 0.5)
    curves_figure(collect(tmp_path))
    assert all([line.get_xdata().size for line in panel.lines] == [0, 3] for panel in drawn[0].axes)
