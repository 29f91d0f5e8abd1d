import cv2
import numpy as np
import pytest

from au_core.data.files import read_json, write_json
from au_core.report import figures
from au_core.report.closeness import conditional_figure, marginal_figure
from au_core.report.figures import COLOURS, au_figure, curves_figure, rate_figure
from au_core.report.results import collect
from tests.toy_runs import write_protocol, write_run


@pytest.fixture
def drawn(monkeypatch):
    """The canvases that were drawn, for a look at what is on them."""
    canvases, save = [], figures.png_bytes
    monkeypatch.setattr(figures, "png_bytes", lambda canvas: canvases.append(canvas) or save(canvas))
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
    assert [len(dots.get_offsets()) for dots in panels[0].collections] == [3 * 13, 3 * 13]
    assert panels[0].patches[0].get_height() == pytest.approx(53.0)
    assert panels[0].lines[0].get_ydata() == pytest.approx([30.0] * 11 + [np.nan, 30.0], nan_ok=True)


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


def test_curves_follow_the_history_and_leave_out_an_untrained_discriminator(tmp_path, drawn):
    write_protocol(tmp_path)
    curves_figure(collect(tmp_path))
    axes = np.array(drawn[0].axes).reshape(4, 3)
    ours, o_wlc = axes[0, 0].lines
    assert ours.get_xydata().tolist() == [[1, 9], [2, 4.5], [3, 3]]
    assert (ours.get_color(), o_wlc.get_color()) == COLOURS[:2]
    assert [len(line.get_xdata()) for line in axes[2, 0].lines] == [3, 0]


def test_a_training_without_history_has_no_curve(tmp_path, drawn):
    write_run(tmp_path, "ours", 0.5, 1, 0, 0.5).history.unlink()
    curves_figure(collect(tmp_path))
    assert not any(line.get_xdata().size for panel in drawn[0].axes for line in panel.lines)
