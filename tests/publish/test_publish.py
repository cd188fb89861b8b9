"""publish computes tables and captions from logs and code."""

import pytest
from conftest import refusal

from analysis import departures
from common import files
from paper import experiments
from paper.experiments import ORIGINAL110, shortcut
from publish import measured, runs, source, words
from publish.__main__ import Page, filled
from symbols import notes

ENGLISH = Page("en", "../")
CHINESE = Page("zh", "")


def test_every_departure_of_the_notes_has_its_words():
    assert set(words.DEPARTURES) == {*notes.DEPARTURES, *departures.OF_THE_RECIPE}


def test_block_is_replaced_and_the_rest_stays():
    text = "before\n<!-- scales -->\nold\n<!-- end -->\nafter\n"
    new = filled(text, "docs/A.md")
    assert new.startswith("before\n<!-- scales -->\n| scale |") and "old" not in new
    assert new.endswith("\n<!-- end -->\nafter\n")
    assert filled(new, "docs/A.md") == new


@pytest.mark.parametrize("words", ["table desk table9", "table dsk table1", "scales x"])
def test_wrong_words_of_a_block_are_rejected(words):
    text = f"<!-- {words} -->\n<!-- end -->\n"
    refusal(lambda: filled(text, "docs/A.md"), "docs/A.md", words)


def test_unknown_block_is_rejected():
    text = "<!-- tables -->\n<!-- end -->\n"
    refusal(lambda: filled(text, "README.md"), "no block is called 'tables'")


def test_quotation_is_a_line_of_code_with_a_link():
    path = "symbols/shortcuts/identity.py"
    quoted = source.quoted(ENGLISH, path, "return", "x")
    assert quoted == ["```python", "return x + f", "```", f"([`{path}`](../{path}))"]
    refusal(lambda: source.quoted(ENGLISH, "plots/tables.py", "def"), "quote a line that is unique")


def test_table_has_each_network_once_in_the_papers_order(results):
    results(ORIGINAL110, [20, 22])
    results(experiments.cifar10(110, "preact"), [19])
    results(shortcut("dropout"), [90])
    lines = runs.paper_tables(ENGLISH, "pocket", "table1", "table2")
    assert [line.split(" | ")[0] for line in lines[2:5]] == [
        "| full pre-activation",
        "| original",
        "| dropout shortcut (ratio 0.5)",
    ]
    assert (
        "| 6.61 | 21.00 (21.00 ± 1.41) | 50.00 (50.00 ± 0.00) | 2 |" in lines[3]
    )  # test, training
    assert "over 3 rows: 1.00" in lines[-1] and "test data" in lines[-1] and "runs: 4" in lines[-1]


def test_pause_of_a_run_is_not_part_of_its_time(results):
    lines = [(i, 1.0, 30.0) for i in range(100, 2401, 100)]
    results(ORIGINAL110, [30], rows=lines)
    ((_, result),) = runs.finished([ORIGINAL110], "pocket")
    (run,) = result.runs
    for i, row in enumerate(run.rows):  # stopped for an hour after the third
        row["seconds"] = 12 * (i + 1) + (3600 if i > 2 else 0)
    assert runs.seconds(run) == 24 * 12 and runs.time_of([run]) == "5 min"
    for i, row in enumerate(run.rows):  # every eighth row has a test, which takes 100 s
        row["seconds"] += 100 * ((i + 1) // 8)
        row["test_error"] = 30.0 if (i + 1) % 8 == 0 else None
    assert runs.seconds(run) == 24 * 12 + 3 * 100


def test_networks_are_compared_with_the_original(results):
    results(ORIGINAL110, [17, 18, 19], scale="desk")
    results(shortcut("convolution"), [30, 31, 32], scale="desk")
    results(experiments.cifar10(110, "preact"), [22], scale="desk")
    lines = runs.paper_tables(ENGLISH, "desk", "table1", "table2")
    assert [line.split(" | ")[-3:] for line in lines[2:5]] == [
        ["no / yes", "+4.00 ± 1.15", "reversed |"],
        ["no / no", "", " |"],
        ["no / yes", "+13.00 ± 0.82", "agrees |"],
    ]


def test_expected_error_is_beside_the_command_that_its_run_had(results):
    small = experiments.cifar10(20)
    results(small, [8.9], scale="full", dtype="bfloat16")
    path = files.RESULTS / files.run_place("full", small.folder_name, 0) / "config.json"
    path.write_text(path.read_text().replace("CPU x 1", "CPU x 2"))
    results(small, [40], dtype="bfloat16")
    commands = [line.split(" | ")[0] for line in runs.expected(ENGLISH)[2:]]
    assert commands == [
        "| `make cifar10-original20 SCALE=pocket`",
        "| `make cifar10-original20 CPUS=2 ARGS='--dtype bfloat16'`",
    ]


def test_readme_has_rows_of_full_scale_and_of_another(results):
    results(experiments.cifar10(20), [9], scale="full")
    for expected in runs.README[:5]:
        results(expected, [30])
    results(ORIGINAL110, [20], scale="desk")
    lines = runs.readme(ENGLISH, "pocket")
    scales = [line.split(" | ")[2] for line in lines[2:-2]]
    assert scales == ["full"] + ["pocket"] * 5
    assert lines[-1].startswith("*Scale full: ") and " Scale pocket: " in lines[-1]
    chinese = runs.readme(CHINESE, "pocket")
    assert chinese[0].startswith("| 网络 | 层数 |") and chinese[-1].startswith("*规模 full：")


def test_runs_on_other_images_are_in_no_block_of_the_others(results):
    results(ORIGINAL110, [30], data="other data")
    for row in experiments.TABLE1[1:]:
        results(row.experiment, [30])
    table = "\n".join(runs.paper_tables(ENGLISH, "pocket", "table1"))
    assert "| original |" not in table and "other data" not in table
    networks = [row.experiment for row in experiments.TABLE1]
    assert ORIGINAL110 not in [network for network, _ in runs.finished(networks, "pocket")]


def test_figure_without_runs_is_a_line(results):
    assert runs.figure(ENGLISH, "figure3", "pocket") == [words.NO_RUNS["en"]]
    results(ORIGINAL110, [20])
    assert runs.figure(CHINESE, "figure3", "pocket") == [words.NO_RUNS["zh"]]
    results(shortcut("convolution"), [30])
    image = "![图 3](plots/figures/pocket-figure3.png)"
    assert runs.figure(CHINESE, "figure3", "pocket") == [image]


def test_benchmark_without_bfloat16_has_an_empty_cell(monkeypatch):
    row = dict(network="plain56", step=0.951, work=1.0, machine="a CPU", day="today")
    monkeypatch.setattr(measured, "rows_of", lambda name: [{**row, "bfloat16": None}])
    assert measured.speed(ENGLISH, "speed-units")[2] == "| plain56 | 0.95 | 1.00 |  |"


def test_comparisons_use_finished_runs(results, tmp_path):
    results(ORIGINAL110, [40, 41, 45])
    results(shortcut("convolution"), [50, 51])
    log = tmp_path / "results/pocket/cifar10-original56/seed2/log.csv"
    log.write_text("".join(log.read_text().splitlines(keepends=True)[:-1]))
    lines = runs.comparisons(ENGLISH, "original56,convolution56")
    assert lines[2:4] == [
        "| original56 | 40.50 (40.50 ± 0.71) | 2 |  |  |",
        "| convolution56 | 50.50 (50.50 ± 0.71) | 2 | +10.00 ± 0.71 | worse |",
    ]


def test_runs_on_different_images_cannot_be_compared(results):
    results(ORIGINAL110, [40], data="other data")
    results(shortcut("convolution"), [50])
    lines = runs.comparisons(ENGLISH, "original56,convolution56")
    assert lines[3].endswith(" 50.00 | 1 | other images |")
    refusal(lambda: runs.comparisons(ENGLISH, "original56,convolution9"), "cifar10-convolution9")
