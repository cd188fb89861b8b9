"""Our errors beside the paper's: verdicts, order, significance, and the charts that show them."""

import math

import pytest

from common import files
from paper import counted_runs, experiments, run_files, significance
from plots import summary, tables

TABLE2 = experiments.TABLE2[:5]  # ResNet-110


@pytest.mark.parametrize(
    "scale, verdict", [("full", "no / yes"), ("desk", "no / yes"), ("pocket", "")]
)
def test_failures_in_the_paper_and_here_are_named_where_the_rule_applies(results, scale, verdict):
    results(experiments.ORIGINAL110, [30, 20.01, 5], scale=scale)
    plain = experiments.TABLE1[1]
    results(plain.experiment, [20], scale=scale)
    rows = tables.rows_of("table1", scale)
    assert rows[0].fails == verdict
    assert rows[1].fails == ("yes / no" if verdict else ""), "20 % itself is no failure"
    assert rows[2].fails == "", "a row without runs says nothing"


def test_rows_on_other_images_have_no_order_and_name_their_images(results, capsys):
    for i, row in enumerate(TABLE2):
        results(row.experiment, [50 + i], data="other data" if i == 1 else "test data")
    run_files.say_once.cache_clear()
    pairs = counted_runs.comparable_rows(TABLE2, "pocket")
    assert [row for row, _ in pairs if row is TABLE2[1]] == [] and len(pairs) == 4
    assert (
        "trained on other data, and the networks compared here on test data"
        in capsys.readouterr().out
    )
    rows = tables.rows_of("table2", "pocket")
    head, lines = tables.table("table2", rows, tables.DRAWN)
    assert [line[head.index("data")] for line in lines[:2]] == ["test data", "other data"]


def test_order_of_a_table_is_of_one_data_set_and_unit(results):
    for row in experiments.TABLES["table3"]:
        results(row.experiment, [row.paper])
    assert significance.order("table3", "pocket") == "", "two rows of each"


def test_tables_1_and_2_are_one_list_of_15_networks(results):
    for row in summary.NETWORKS:
        folder = files.RESULTS / "pocket" / row.experiment.at("pocket").folder_name
        if not folder.exists():
            results(row.experiment, [50])
    assert len(counted_runs.comparable_rows(summary.NETWORKS, "pocket")) == 15
    assert significance.say_order(summary.NETWORKS, "pocket") == "", "all alike is no order"


def test_networks_are_compared_by_their_seeds():
    low, middle, high, single = [30, 31, 32], [35, 36, 37], [40, 41, 42], [40.5]
    difference, error, p = significance.compare(low, high, [])
    assert difference == 10 and error == pytest.approx(math.sqrt(2 / 3)), "Welch's"
    assert p == pytest.approx(0.000255, rel=0.01), "four degrees of freedom"
    assert significance.conclusion(difference, p) == "agrees"
    several = [low, middle, high]
    difference, error, p = significance.compare(high, single, several)
    assert error == pytest.approx(math.sqrt(1 + 1 / 3)), "pooled, for one network has one run"
    assert significance.conclusion(difference, p) == "reversed, not significant"
    difference, _, p = significance.compare(single, middle, several)
    assert significance.conclusion(difference, p) == "reversed"


def test_single_runs_are_not_tested():
    assert significance.compare([30], [31], []) == (1, None, None)
    assert significance.conclusion(1.0, None) == "agrees, not tested"
    assert significance.conclusion(0.0, None) == "equal, not tested"


def test_run_of_two_rows_counts_once(results):
    results(experiments.cifar10(1001, "preact"), [30])  # Table 4 has it with two batch sizes
    (pair,) = counted_runs.finished_rows(experiments.TABLE4, "pocket")
    assert pair[0].paper == 4.92


def test_degrees_of_freedom_are_not_rounded():
    # exclusive gating -7 and 1x1 convolution at pocket scale: 2.95 degrees of freedom
    difference, error, p = significance.welch([63.29, 61.75, 63.75], [60.24, 59.72, 60.76])
    assert (difference, error) == pytest.approx((-2.69, 0.67), abs=0.01)
    assert p == pytest.approx(0.03, abs=0.005)


def test_equal_samples_are_not_significant():
    assert significance.welch([30, 30], [30, 30]) == (0, 0, 1)
    assert significance.welch([30, 30], [31, 31]) == (1, 0, 0)
    assert significance.pooled([30], [31], [[30, 30]]) == (1, None, None)


def test_table_is_aligned_text_and_markdown_without_empty_columns():
    table = tables.Table(["network", "", "error, %"], [["a", "", "6.61"], ["bc", "", "fail"]])
    assert table.filled().text().splitlines() == [
        "network  error, %",
        "a        6.61",
        "bc       fail",
    ]
    assert table.filled().markdown() == [
        "| network | error, % |",
        "|---|---:|",
        "| a | 6.61 |",
        "| bc | fail |",
    ]
