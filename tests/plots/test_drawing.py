"""Figures have the panels and curves of their runs; nothing in them is cut off."""

import numpy as np
import pytest
from drawn_runs import rows
from matplotlib.text import Text

from paper import experiments, search
from plots import curves, figure_files
from plots.named import DRAW

ORIGINAL = experiments.ORIGINAL110
SCALED = experiments.FIGURES["figure3"][0][1][1].experiment


@pytest.fixture(name="texts")
def drawn_texts(monkeypatch):
    """(text, its box) of every text that is drawn, in a list that grows."""
    boxes = []
    draw = Text.draw

    def keep(text, renderer):
        if text.get_visible() and text.get_text():
            boxes.append((text.get_text(), text.get_window_extent(renderer)))
        draw(text, renderer)

    monkeypatch.setattr(Text, "draw", keep)
    return boxes


# table5 has no pocket scale; tables 2 to 4 are drawn as table1
DRAWN = [name for name in DRAW if not name.startswith("table") or name == "table1"]


@pytest.mark.parametrize(
    "name, scale",
    [*((name, "pocket") for name in DRAWN), ("figure3", "full"), ("degradation", "full")],
)
def test_no_text_leaves_its_figure(results, texts, name, scale):
    networks = {
        experiment.at(scale).folder_name: experiment
        for experiment in experiments.experiments_of(name)
    }
    for experiment in list(networks.values())[-2:]:
        results(experiment, [12.5, 33.3], scale)
    figure = DRAW[name](name, scale)
    figure_files.png(figure)
    assert len(texts) >= 10
    for text, box in texts:
        assert box.x0 >= 0 and box.x1 <= figure.bbox.x1, text
        assert box.y0 >= 0 and box.y1 <= figure.bbox.y1, text


def places(figure):
    """{title: position} of the panels."""
    panels = [axes for axes in figure.axes if axes.get_legend()]
    return {axes.get_legend().get_title().get_text(): axes.get_position() for axes in panels}


def test_panel_with_the_original_alone_is_left_out(results):
    results(ORIGINAL, [40])
    assert DRAW["figure3"]("figure3", "pocket") is None
    results(SCALED, [50])
    assert list(places(DRAW["figure3"]("figure3", "pocket"))) == [
        "(a) constant scaling, the paper",
        "(a) constant scaling, ours",
    ]


def test_panel_with_an_original_of_another_depth_alone_is_left_out(results):
    (_, shallow), (_, deep) = experiments.FIGURES["figure6"]
    for curve in (*shallow, deep[0]):
        results(curve.experiment, [40])
    drawn = places(DRAW["figure6"]("figure6", "pocket"))
    assert list(drawn) == ["BN after addition, the paper", "BN after addition, ours"]


def test_bias_on_other_images_is_left_out_of_the_search(results):
    for bias, experiment in experiments.GATE_BIAS_SEARCH.items():
        results(experiment, [50 - bias], data="test data" if bias else "other data")
    assert 0 not in search.errors("pocket") and search.best("pocket") is None


def test_papers_panels_are_above_ours_below_full_scale(results):
    for experiment in experiments.experiments_of("figure6"):
        results(experiment, [40])
    figure = DRAW["figure6"]("figure6", "pocket")
    for title, _ in experiments.FIGURES["figure6"]:
        paper, ours = (places(figure)[f"{title}, {whose}"] for whose in ("the paper", "ours"))
        assert paper.x0 == pytest.approx(ours.x0) and paper.y0 > ours.y1
    assert all(axes.get_xlim() == (0, 68 / 64) for axes in figure.axes)
    curve = max(figure.axes[1].lines, key=lambda line: len(line.get_xdata()))
    assert max(curve.get_xdata()) == 68 / 64


def test_papers_curves_are_behind_ours_at_full_scale(results):
    results(ORIGINAL, [6.6], scale="full")
    figure = DRAW["figure6"]("figure6", "full")
    (right,) = [axes for axes in figure.axes if axes.get_legend()]
    assert [text.get_text() for text in right.get_legend().get_texts()] == [
        "110, original (error 6.60 %; the paper's curve 6.59 %)",
        "pale: the paper's curve",
    ]
    assert list(right.get_yticks()) == [0, 5, 10, 15, 20]


def test_degradation_has_training_and_test_error_on_one_axis(results):
    for experiment in experiments.experiments_of("degradation"):
        results(experiment, [40], scale="full")
    left, right = DRAW["degradation"]("degradation", "full").axes
    for axes, depths in ((left, 2), (right, 3)):
        # training and test, ours and the paper's, and one line for the legend
        assert axes.get_ylabel().startswith("Error, %") and len(axes.lines) == 4 * depths + 1
    colours = [{line.get_color() for line in axes.lines} for axes in (left, right)]
    assert colours[0] < colours[1]


def test_png_has_its_size_its_description_and_a_palette(run, tmp_path):
    figure = curves.figure_of([curves.run_files.read(run(rows(400)))])
    figure_files.save(figure, tmp_path / "a.png", "what it shows")
    with figure_files.Image.open(tmp_path / "a.png") as image:
        assert image.size[0] == 1050 and image.info["Description"] == "what it shows"
        assert image.mode == "P" and round(image.info["dpi"][0]) == figure_files.DPI


def test_photograph_keeps_its_colours(tmp_path):
    figure, axes = curves.plt.subplots(figsize=(2, 2))
    axes.imshow(np.random.RandomState(0).rand(64, 64, 3))
    figure_files.save(figure, tmp_path / "a.png")
    with figure_files.Image.open(tmp_path / "a.png") as image:
        assert image.mode == "RGB"
