"""make compare: any runs in one figure, which replaces no other file."""

import shutil
import sys
from types import SimpleNamespace

import matplotlib.pyplot as plt
import pytest
from drawn_runs import rows

from common import files
from common.errors import UserError
from paper import run_files
from plots import compare, figure_files, series


@pytest.fixture(name="pair")
def two_runs(run):
    """Two folders of runs, with errors of 30 and 60 %."""
    return [run(rows(400, 30)), run(rows(400, 60), activation="original")]


@pytest.fixture
def main(monkeypatch, tmp_path, capsys):
    """main(*words): the file that the command writes, the last line of its output."""
    monkeypatch.setattr(files, "FIGURES", tmp_path / "figures")

    def call(*words):
        monkeypatch.setattr(sys, "argv", ["compare", *map(str, words)])
        compare.main()
        return [line.rsplit("/", 1)[-1] for line in capsys.readouterr().out.splitlines()[-1:]]

    return call


@pytest.mark.parametrize(
    "what, ends, label",
    [
        ("error", [30, 60], "Error, % (solid: test; dashed: training)"),
        ("accuracy", [70, 40], "Accuracy, % (solid: test; dashed: training)"),
        ("loss", [1, 1], "Loss, nats (solid: test; dashed: training)"),
    ],
)
def test_one_quantity_is_drawn_by_epoch_of_test_and_training(pair, what, ends, label):
    axes = plt.figure().add_subplot()
    curves = series.group_runs([run_files.read(folder) for folder in pair])
    compare.one_quantity(axes, curves, None, what, "epoch")
    solid = [line for line in axes.lines if line.get_linestyle() == "-"]
    assert [line.get_ydata()[-1] for line in solid] == ends and len(axes.lines) == 4
    assert solid[0].get_xdata()[-1] == pytest.approx(400 / 78)
    assert axes.get_xlabel() == "Epochs" and axes.get_ylabel() == label
    value = "accuracy 70.00 %" if what == "accuracy" else "error 30.00 %"
    assert solid[0].get_label().endswith(f"({value})")
    low, high = axes.get_ylim()
    assert all(low < y < high for line in axes.lines for y in line.get_ydata())


def test_final_errors_are_compared_with_the_first_curve(run, capsys):
    errors = {"preact": [30, 31, 32], "original": [60, 62, 61], "relu_only_preact": [40]}
    folders = [
        run(rows(400, error), activation=activation, seed=seed)
        for activation, sample in errors.items()
        for seed, error in enumerate(sample)
    ]
    unfinished = run(rows(200, 90), activation="original", seed=3)
    compare.print_errors([run_files.read(folder) for folder in [*folders, unfinished]])
    head, first, second, third = capsys.readouterr().out.splitlines()
    assert head.split("  ")[0] == "network"
    assert "31.00 (31.00 ± 1.00)" in first
    assert "+30.00 ± 0.82" in second and second.endswith("worse")
    assert "+9.00 ± 1.15" in third and third.endswith("worse"), "a deviation pooled over the others"
    compare.print_errors([run_files.read(folder) for folder in folders[2:4]])
    assert capsys.readouterr().out.split()[-2:] == ["not", "tested"]


def test_runs_on_other_images_are_not_compared(run, capsys):
    runs = [run_files.read(run(rows(400, 30), activation=name)) for name in ("preact", "original")]
    runs[1].config["data"] = "another set"
    compare.print_errors(runs)
    assert capsys.readouterr().out.splitlines()[-1].split()[-3:] == ["1", "other", "images"]


def test_no_figure_replaces_another(pair, main, tmp_path):
    first = main(*pair)
    assert main(*pair) == first, "the same figure is drawn again"
    second = main(pair[0])
    assert all(name.startswith("compare-cifar10-preact20-") for name in (*first, *second))
    assert len(list((tmp_path / "figures").iterdir())) == 2
    (tmp_path / "mine.png").write_text("no figure")
    for path in (tmp_path / "figures" / first[0], tmp_path / "mine.png", tmp_path):
        with pytest.raises(UserError, match=r"another file|extensions"):
            main(pair[0], "--output", path)


@pytest.mark.parametrize(
    "ending, start", [("png", b"\x89PNG"), ("pdf", b"%PDF"), ("svg", b"<?xml")]
)
def test_ending_of_the_file_is_its_format(pair, main, tmp_path, ending, start):
    path = tmp_path / f"a.{ending}"
    for _ in range(2):
        assert main(*pair, "--output", path) == [path.name]
        assert path.read_bytes().startswith(start)
    with pytest.raises(UserError, match="another file"):
        main(pair[0], "--output", path)
    with pytest.raises(UserError, match=".png, .pdf or .svg"):
        main(*pair, "--output", tmp_path / "a.jpg")


def test_run_counts_once_and_the_folder_of_a_network_is_its_seeds(pair, tmp_path, monkeypatch):
    network = tmp_path / "network"
    for seed, folder in enumerate(pair):
        shutil.copytree(folder, network / f"seed{seed}")
    (tmp_path / "link").symlink_to(network)
    monkeypatch.chdir(tmp_path)
    spellings = ["network", tmp_path / "network" / "seed0", "link/seed1", "./network/seed0"]
    folders = compare.run_folders(map(compare.folder, map(str, spellings)))
    assert [folder.name for folder in folders] == ["seed0", "seed1"]


@pytest.mark.parametrize("characters", ["", "\u4e2d\u6587"])
def test_chinese_title_takes_an_installed_font_or_warns(monkeypatch, capsys, characters):
    manager = figure_files.font_manager
    usual, other = map(manager.findfont, ("DejaVu Sans", "DejaVu Sans Mono"))
    charmaps = {usual: "a title", other: characters}

    def font(path):
        charmap = {ord(character): 1 for character in charmaps[path]}
        return SimpleNamespace(get_charmap=lambda: charmap, family_name="Chinese")

    monkeypatch.setattr(manager, "findSystemFonts", lambda: [other])
    monkeypatch.setattr(manager, "get_font", font)
    monkeypatch.setitem(figure_files.matplotlib.rcParams, "font.family", ["sans-serif"])
    figure_files.use_fonts_for("\u4e2d\u6587 title")
    families = figure_files.matplotlib.rcParams["font.family"]
    assert families == (["DejaVu Sans", "Chinese"] if characters else ["sans-serif"])
    warned = "no installed font has \u4e2d\u6587" in capsys.readouterr().err
    assert warned == (not characters)
