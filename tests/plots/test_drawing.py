"""Pictures are drawn again when, and only when, something came in; and nothing in them is cut off."""

import os
import shutil

import pytest
from drawn_runs import rows
from matplotlib.text import Text

from common import files
from paper import experiments
from plots import __main__ as plots
from plots import current, curves, figure_files
from plots.named import DRAW

ORIGINAL = experiments.ORIGINAL110
SCALED = experiments.FIGURES["figure3"][0][1][1].experiment


@pytest.fixture(name="log")
def log_and_code(tmp_path, monkeypatch):
    """A log, drawn by code that is in a file beside it."""
    (tmp_path / "code.py").write_text("1")
    (tmp_path / "log.csv").write_text("1")
    monkeypatch.setattr(current, "_code", lambda: (tmp_path / "code.py").read_text())
    return tmp_path / "log.csv"


def test_picture_is_drawn_again_after_its_log_or_the_code_changed(log, tmp_path):
    picture = tmp_path / "a.png"

    def refreshed():
        return current.refresh([picture], [log], lambda: picture.write_text("drawn"))

    assert refreshed() and not refreshed()
    for path in (log, tmp_path / "code.py", picture):
        time = path.stat().st_mtime
        path.write_text("2")
        os.utime(path, (time - 60, time - 60))  # as git may have it
        assert refreshed() and not refreshed(), path
    picture.unlink()
    assert refreshed() and picture.is_file()


def test_row_that_comes_in_while_a_picture_is_drawn_is_not_forgotten(log, tmp_path):
    picture = tmp_path / "a.png"

    def draw():
        picture.write_text("drawn without the row")
        log.write_text("a row more")

    assert current.refresh([picture], [log], draw)
    assert current.refresh([picture], [log], lambda: picture.write_text("drawn with it"))


def test_tables_and_figures_are_drawn_again_when_a_run_came_or_was_taken_away(results, capsys):
    def drawn():
        plots.draw_scale("pocket")
        return capsys.readouterr().out.count("pocket-table1.png")

    results(ORIGINAL, [40, 41])
    assert (drawn(), drawn()) == (1, 0)
    shutil.rmtree(files.RESULTS / "pocket" / ORIGINAL.at("pocket").name / "seed1")
    assert (drawn(), drawn()) == (1, 0)
    results(SCALED, [50])
    assert (drawn(), drawn()) == (1, 0)


def test_bad_run_that_two_tasks_meet_is_named_once(monkeypatch, capsys):
    plots.side_by_side([_meet_a_bad_run, _meet_a_bad_run])
    assert (
        capsys.readouterr().out == "left out: a run that two tasks meet\nplots/a.png\n"
        "plots/a.png\n"
    )


def _meet_a_bad_run():
    print("left out: a run that two tasks meet\nplots/a.png")


@pytest.fixture(name="drawn")
def drawn_figures(monkeypatch):
    """The figures that are saved, in a list that grows."""
    figures = []
    png = figure_files.png

    def keep(figure, description=None):
        content = png(figure, description)
        figures.append(figure)
        return content

    monkeypatch.setattr(figure_files, "png", keep)
    return figures


@pytest.fixture(name="texts")
def drawn_texts(monkeypatch):
    """The boxes of all words that are drawn, which are not those of ticks out of sight."""
    boxes = []
    draw = Text.draw

    def keep(text, renderer):
        if text.get_visible() and text.get_text():
            boxes.append((text.get_text(), text.get_window_extent(renderer)))
        draw(text, renderer)

    monkeypatch.setattr(Text, "draw", keep)
    return boxes


@pytest.mark.parametrize("scale", ["pocket", "desk"])
@pytest.mark.parametrize("name", [name for name in DRAW if name != "table5"])
def test_no_text_leaves_its_picture(results, drawn, texts, name, scale):
    results(experiments.experiments_of(name)[-1], [12.5, 33.3], scale)
    DRAW[name](name, scale)
    (figure,) = drawn
    assert len(texts) > 10
    for words, box in texts:
        assert box.x0 >= 0 and box.x1 <= figure.bbox.x1, words
        assert box.y0 >= 0 and box.y1 <= figure.bbox.y1, words


def test_panel_that_shows_the_original_alone_is_left_out(results, drawn):
    results(ORIGINAL, [40])
    DRAW["figure3"]("figure3", "pocket")
    results(SCALED, [50])
    DRAW["figure3"]("figure3", "pocket")
    titles = [
        [axes.get_legend().get_title().get_text() for axes in figure.axes if axes.get_legend()]
        for figure in drawn
    ]
    assert titles == [["(a) constant scaling"]]


def test_lines_below_a_picture_end_between_two_facts():
    text = "CIFAR-10 (JPEG q75); a curve: median of its seeds; seeds 0, 1, 2; pre-activated"
    assert figure_files.wrapped(text, 60).splitlines() == [
        "CIFAR-10 (JPEG q75); a curve: median of its seeds;",
        "seeds 0, 1, 2; pre-activated",
    ]
    assert figure_files.wrapped("one two three", 8).splitlines() == ["one two", "three"]


def test_picture_has_its_size_and_its_description(run, tmp_path):
    path = tmp_path / "a.png"
    curves.draw([curves.run_files.read(run(rows(400)))], path, description="what it shows")
    with figure_files.Image.open(path) as image:
        assert image.size == (1050, 720) and image.info["Description"] == "what it shows"
        assert round(image.info["dpi"][0]) == figure_files.DPI
