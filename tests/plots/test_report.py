"""The report is one page that loads nothing, and a browser shows and prints all of it."""

import html
import json
import re
import shutil
import subprocess

import drawn_runs
import matplotlib.image
import pytest
from drawn_runs import row
from PIL import Image

import plots.page
from common import durations, files
from paper import counted_runs, experiments, significance
from paper.scales import SCALES
from plots import report, summary, watch
from plots.named import draw

CHROMIUM = (
    shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
)
# For root in a container, and without any use of the network.
FLAGS = """--headless --no-sandbox --disable-gpu --disable-quic --no-first-run
--disable-background-networking --disable-component-update --disable-sync
--hide-scrollbars""".split()
MEASURE = """<script>addEventListener("load", () => { top.document.title += JSON.stringify({
    width: document.documentElement.scrollWidth,
    images: [...document.images].map(image => image.naturalWidth),
    loaded: performance.getEntriesByType("resource")
        .filter(entry => !entry.name.startsWith("data:")).length}) + ";" })</script></body>"""


@pytest.fixture
def page(results, tmp_path):
    """A report of Table 1 and Figure 3 at two scales, with a command that HTML could misread."""
    for i, line in enumerate(experiments.TABLE1):
        results(line.experiment, [40 + i, 41 + i])
        results(line.experiment, [20 + i], scale="desk")
    original = experiments.ORIGINAL110.at("pocket").folder_name
    path = tmp_path / "results" / "pocket" / original / "seed0" / "config.json"
    path.write_text(path.read_text().replace("CPU x 1", "<b>& x 1"))
    files.FIGURES.mkdir()
    names = ("pocket-summary", "pocket-figure3", "desk-figure3", f"lesion-{100 * 'a'}")
    for name, colour in zip(names, ("red", "green", "blue", "black")):
        Image.new("RGB", (1200, 600), colour).save(files.FIGURES / f"{name}.png")
    return report.whole_page()


def test_report_has_tables_figures_runs_commands_and_what_is_not_run(page):
    assert page.count("<tr>") > 60 and page.count("data:image/png;base64,") == 4
    for text in (
        "make cifar10-exclusive_gating56 SHORTCUT_ARGS=bias=-7 SCALE=pocket",
        significance.order("table1", "pocket"),
        "12.35",
        "&lt;b&gt;&amp; x 1",
        "40.50 (40.50&nbsp;±&nbsp;0.71)",
        f"<code>lesion-{100 * 'a'}.png</code>",
    ):
        assert text in page, text
    assert "<b>&" not in page
    full, desk, pocket, demo = (page.index(f'<details id="{scale}"') for scale in SCALES)
    assert "<td>" not in page[full:desk] and "Not run: <code>make table1 table2" in page[full:desk]
    assert "over 20 %" in page[desk:pocket]
    assert "over 20 %" not in page[pocket:demo], "an empty column is shown"
    assert "<td>not run</td>" in page[pocket:demo]
    assert 'alt="Figure 3' in page[desk:pocket] and "make figure3 SCALE=desk" in page[desk:pocket]


def test_file_names_and_captions_are_escaped():
    evil = "<img src=x onerror='a()'>\""
    shown = plots.page.picture(b"", evil, f"lesion-{evil}.png")
    assert shown.count("<img ") == 1 and shown.count("&lt;img src=x") == 3
    assert "&quot;" in re.search(r'alt="([^"]*)"', shown).group(1)


def test_report_loads_nothing(page):
    assert not re.search(r"""(src|href)=["'](?!data:|#)|url\(|@import""", page)


def browse(page, tmp_path, *flags):
    path = tmp_path / "report.html"
    path.write_text(page, encoding="utf-8")
    done = subprocess.run(
        [CHROMIUM, *FLAGS, f"--user-data-dir={tmp_path / 'profile'}", *flags, path.as_uri()],
        text=True,
        capture_output=True,
        timeout=1800,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.skipif(not CHROMIUM, reason="needs chromium (Debian: apt install chromium); CI has it")
def test_browser_shows_and_prints_every_figure(page, tmp_path):
    widths = (390, 1280)  # a phone, a desk
    inside = html.escape(page.replace("</body>", MEASURE), quote=True)
    frames = [f'<iframe width={width} height=900 srcdoc="{inside}"></iframe>' for width in widths]
    style = "<title></title><style>iframe { border: 0 }</style>"
    out = browse(style + "".join(frames), tmp_path, "--dump-dom")
    title = re.search("<title>(.*?);</title>", out).group(1).replace("&quot;", '"')
    measures = sorted(map(json.loads, title.split(";")), key=lambda measure: measure["width"])
    for measure, width in zip(measures, widths):
        assert measure["width"] <= width and measure["loaded"] == 0
        assert len(measure["images"]) == 4 and all(measure["images"])
    browse(page, tmp_path, f"--print-to-pdf={tmp_path / 'report.pdf'}")
    images = re.findall(rb"/Subtype\s*/Image\b", (tmp_path / "report.pdf").read_bytes())
    assert len(images) >= 4, "a folded figure is not printed"


def test_summary_has_the_papers_order_and_one_point_for_each_run(results, tmp_path, capsys):
    for line in experiments.TABLE1:
        results(line.experiment, [90 if line.paper == experiments.FAIL else 50 + line.paper])
    pairs = counted_runs.comparable_rows(summary.rows_of("table1", 110), "pocket")
    errors = [6.61, 6.91, 8.70, 9.81, 12.22, 12.35, 12.86]
    assert [line.paper for line, _ in pairs] == [*errors, *["fail"] * 4]
    draw("summary", "pocket")
    assert (
        "Table 1: Spearman's rank correlation with the paper's errors over 11 rows: 1.00"
        in capsys.readouterr().out
    )
    assert matplotlib.image.imread(tmp_path / "figures" / "pocket-summary.png").std() > 0.01


def test_own_runs_have_a_section(results, tmp_path, monkeypatch):
    assert "make demo" in report.whole_page()
    results(experiments.ORIGINAL110, [40])
    assert "None yet" in report.whole_page()
    monkeypatch.setattr(files, "RUNS", tmp_path / "runs")
    shutil.copytree(tmp_path / "results", tmp_path / "runs")
    page = report.whole_page()
    mine = page[page.index('id="yours"') : page.index('id="figures"')]
    assert "None yet" not in mine and mine.count("56, original (yours)") == 1 and "40.00 %" in mine


def test_watch_shows_training_runs_and_their_remaining_time(results):
    original = experiments.ORIGINAL110.at("pocket")
    folder = files.RUNS / "pocket" / original.folder_name / "seed0"
    lines = [row(500, seconds=250), row(1000, seconds=500, test_error=50)]
    drawn_runs.write(folder, lines, {"iterations": 2400})
    results(experiments.TABLE1[1].experiment, [40])  # a finished run
    written = (folder / "log.csv").stat().st_mtime
    (run,) = watch.training(written + 60)
    assert watch.seconds_left(run) == pytest.approx(700)
    page = watch.page(10, written + 60)
    assert "1,000 of 2,400" in page and "12 min left" in page and "data:image/png" in page
    assert 'http-equiv="refresh" content="10"' in page
    assert not re.search(r"""(src|href)=["'](?!data:|#)""", page)
    late = written + 5000  # no row for a long time
    assert watch.training(late) == [] and "No run is in training" in watch.page(10, late)


def test_duration_is_in_a_fitting_unit():
    times = {0: "0 s", 700: "12 min", 5430: "90 min", 14760: "4.1 h", 864000: "10.0 days"}
    assert {seconds: durations.in_words(seconds) for seconds in times} == times
