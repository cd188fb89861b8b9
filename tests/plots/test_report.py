"""The report is one page that needs nothing else, and a browser shows all of it, on a phone and on
paper too.
"""

import html
import html.parser
import json
import re
import shutil
import struct
import subprocess

import matplotlib.image
import pytest

from common import files
from paper import experiments, significance
from plots import curve_figures, report, summary, watch
from plots import page as markup

CHROMIUM = (
    shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
)
# as root in a container, and with nothing that looks for a network
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
]
MEASURE = """<script>addEventListener("load", () => { top.document.title = JSON.stringify({
    width: document.documentElement.scrollWidth,
    images: [...document.images].map(image => image.naturalWidth),
    loaded: performance.getEntriesByType("resource")
        .filter(each => !each.name.startsWith("data:")).length}) })</script></body>"""


@pytest.fixture
def page(results, tmp_path):
    """A report of Table 1 and a figure, with a name that HTML could trip over."""
    for i, row in enumerate(experiments.TABLE1):
        results(row.experiment, [40 + i, 41 + i])
    path = (
        tmp_path
        / "results"
        / "pocket"
        / experiments.ORIGINAL110.at("pocket").name
        / "seed0"
        / "config.json"
    )
    path.write_text(
        path.read_text().replace("python train_cifar.py", "python train_cifar.py --data-dir '<b>&'")
    )
    summary.draw("summary", "pocket")
    curve_figures.draw("figure3", "pocket")
    return report.whole_page()


def browse(page, tmp_path, *flags):
    path = tmp_path / "report.html"
    path.write_text(page, encoding="utf-8")
    done = subprocess.run(
        [CHROMIUM, *FLAGS, f"--user-data-dir={tmp_path / 'profile'}", *flags, path.as_uri()],
        text=True,
        capture_output=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_report_has_tables_figures_recipes_and_commands(page):
    assert (
        page.count("<tr>") > 30
        and page.count("data:image/png;base64,") == 2
        and page.count("<details>") == 23
    )
    for text in (
        "make cifar10-exclusive_gating56 SHORTCUT_ARGS=bias=-7 SCALE=pocket",
        significance.order("table1", "pocket"),
        "12.35",
        "batch size",
        "&lt;b&gt;&amp;",
        "40.50 (40.50&nbsp;±&nbsp;0.71)",
    ):
        assert text in page, text
    assert "<b>" not in page
    assert "over 20 %" not in page.split("Table 1 at pocket scale")[1], "an empty column is shown"


def test_names_and_words_beside_a_picture_are_no_html():
    png = b"\x89PNG\r\n\x1a\n" + bytes(8) + struct.pack(">II", 2, 3)
    evil = "<img src=x onerror='a()'>\""
    shown = markup.picture(png, evil, f"lesion-{evil}.png")
    assert shown.count("<img ") == 1 and shown.count("&lt;img src=x") == 3
    assert "&quot;" in re.search(r'alt="([^"]*)"', shown).group(1)


def test_report_asks_for_nothing_from_outside_and_closes_what_it_opens(page):
    assert (
        not re.search(r"""(src|href)=["'](?!data:|#)""", page)
        and "url(" not in page
        and "@import" not in page
    )
    opened = []

    class Parser(html.parser.HTMLParser):
        def handle_starttag(self, tag, attributes):
            if tag not in ("meta", "img", "input"):
                opened.append(tag)
            assert tag != "img" or dict(attributes)["alt"]

        def handle_endtag(self, tag):
            assert opened.pop() == tag

    Parser().feed(page)
    assert not opened


def test_report_without_runs_says_how_to_begin(results):
    assert "make demo" in report.whole_page()


@pytest.mark.skipif(not CHROMIUM, reason="needs chromium (Debian: apt install chromium); CI has it")
@pytest.mark.parametrize("width", [390, 1280])  # a phone, a desk
def test_browser_shows_every_picture_and_nothing_is_wider_than_the_screen(page, tmp_path, width):
    inside = html.escape(page.replace("</body>", MEASURE), quote=True)
    frame = (
        f'<title></title><iframe width={width} height=900 style="border:0"'
        f' srcdoc="{inside}"></iframe>'
    )
    out = browse(frame, tmp_path, "--dump-dom")
    seen = json.loads(re.search("<title>(.*?)</title>", out).group(1).replace("&quot;", '"'))
    assert seen["width"] <= width and seen["loaded"] == 0
    assert len(seen["images"]) == 2 and all(seen["images"])


@pytest.mark.skipif(not CHROMIUM, reason="needs chromium (Debian: apt install chromium); CI has it")
def test_browser_prints_it(page, tmp_path):
    browse(page, tmp_path, f"--print-to-pdf={tmp_path / 'report.pdf'}")
    pdf = (tmp_path / "report.pdf").read_bytes()
    assert pdf.startswith(b"%PDF") and len(re.findall(rb"/Type\s*/Page\b", pdf)) >= 2


def test_summary_has_the_papers_order_and_one_point_for_each_run(results, tmp_path, capsys):
    for row in experiments.TABLE1:
        results(
            row.experiment,
            [50 + significance.number(row.paper) if row.paper != experiments.FAIL else 90],
        )
    found = significance.measured(summary.rows_of("table1", 110), "pocket")
    assert [row.paper for row, _ in found] == [
        6.61,
        6.91,
        8.70,
        9.81,
        12.22,
        12.35,
        12.86,
        *["fail"] * 4,
    ]
    summary.draw("summary", "pocket")
    assert (
        "Table 1: shortcuts, ResNet-110: Spearman's rank correlation with the paper's errors over"
        " 11 rows: 1.00" in capsys.readouterr().out
    )
    assert matplotlib.image.imread(tmp_path / "figures" / "pocket-summary.png").std() > 0.01


def test_runs_of_ones_own_have_a_section_of_their_own(results, tmp_path, monkeypatch):
    results(experiments.ORIGINAL110, [40])
    assert "None yet" in report.whole_page()
    monkeypatch.setattr(files, "RUNS", tmp_path / "runs")
    shutil.copytree(tmp_path / "results", tmp_path / "runs")
    page = report.whole_page()
    mine = page[page.index('id="yours"') : page.index('id="runs"')]
    assert "None yet" not in mine and mine.count("56, original (yours)") == 1 and "40.00 %" in mine


def test_claim_shows_the_scale_with_most_networks_and_folds_the_others(results):
    for row in experiments.TABLE2[:3]:
        results(row.experiment, [40])
    results(experiments.TABLE2[0].experiment, [20], scale="desk")
    page = report.whole_page()
    shown, folded = page.index("Table 2 at pocket scale"), page.index("Table 2 at desk scale")
    assert shown < page.index("The same at desk scale (2 networks)") < folded


@pytest.fixture
def going(results, tmp_path):
    """A run that has 1,000 of its 2,400 iterations after 500 seconds."""
    results(experiments.ORIGINAL110, [0], rows=[(500, 1.5, 60.0), (1000, 1.0, 50.0)])
    folder = tmp_path / "results" / "pocket" / experiments.ORIGINAL110.at("pocket").name / "seed0"
    log = folder / "log.csv"
    log.write_text(
        log.read_text().replace("500,60\n", "500,250\n", 1).replace("500,60\n", "500,500\n", 1)
    )
    return folder


def test_watch_shows_what_is_training_and_how_long_it_takes(going):
    written = (going / "log.csv").stat().st_mtime
    (run,) = watch.training(written + 60)
    assert watch.seconds_left(run) == pytest.approx(700) and watch.clock(700) == "12 min"
    page = watch.page(10, written + 60)
    assert "1,000 of 2,400" in page and "12 min left" in page and "data:image/png" in page
    assert 'http-equiv="refresh" content="10"' in page
    assert not re.search(r"""(src|href)=["'](?!data:|#)""", page)


def test_watch_leaves_out_what_has_ended_or_was_stopped(results, going):
    written = (going / "log.csv").stat().st_mtime
    assert watch.training(written + 20 * 250) == [], "silent for long"
    results(experiments.TABLE1[1].experiment, [40])
    assert [run.folder.parts[-2] for run in watch.training(written)] == [going.parts[-2]]
    assert "Nothing is training" in watch.page(10, written + 20 * 250)


def test_times_are_said_in_hours_and_minutes():
    assert [watch.clock(seconds) for seconds in (0, 59 * 60, 3600, 5430)] == [
        "0 min",
        "59 min",
        "1 h 00 min",
        "1 h 30 min",
    ]
