"""What the documents say is computed, their commands are commands, and their links lead on."""

import hashlib
import re
import shlex
import statistics
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import mxnet as mx
import pytest
from conftest import ROOT

import score
import train_cifar
import train_imagenet
import train_notes
from analysis import departures
from common import files
from docs import computed, outcome, values
from paper import digitized, experiments, search
from paper.significance import fails, measured
from symbols import network_options
from training import cluster, options

READMES = ["README.md", "README.zh.md"]
WITH_RESULTS = [*READMES, "docs/RESULTS.md", "docs/WHY.md"]


@pytest.fixture(autouse=True)
def published_runs_alone(monkeypatch, tmp_path):
    """A user's own runs change nothing of what is tested here."""
    monkeypatch.setattr(files, "RUNS", tmp_path / "runs")


def train_cifar_takes(words):
    """Raise UserError for what train_cifar.py refuses before it looks for pictures."""
    arguments, _ = train_cifar.read_options(words)
    network_options.network(arguments, "cifar", train_cifar.DEPTH)


def train_imagenet_takes(words):
    """Raise UserError for what train_imagenet.py refuses before it looks for pictures."""
    arguments = options.read(train_imagenet.parser(), words)
    network_options.network(arguments, "imagenet", train_imagenet.DEPTH)


PARSERS = {
    "train_cifar.py": train_cifar_takes,
    "train_imagenet.py": train_imagenet_takes,
    "train_notes.py": train_notes.parser().parse_args,
    "score.py": score.parser().parse_args,
    "analysis.departures": departures.parser().parse_args,
    "training.cluster": cluster.options().parse_args,
}
APACHE_2 = "c71d239df91726fc519c6eb72d318ec65820627232b2f796219e87dcf35d0ab4"


def text_of(document):
    return (ROOT / document).read_text()


def code_lines(document):
    """The lines of a document's code blocks, indented or fenced, without their comments."""
    text = text_of(document)
    fenced = re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    rest = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    indented = re.findall(r"^    (\S.*)$", rest, re.MULTILINE)
    lines = [*indented, *"\n".join(fenced).splitlines()]
    return [f" {line}".split(" #")[0].strip() for line in lines]


def make_commands(document):
    """Every command of make that a document shows, in code blocks and within its text."""
    inline = re.findall(r"`(make [^`]*)`", text_of(document))
    commands = [*code_lines(document), *inline]
    return [command for command in commands if command.startswith("make ") and "..." not in command]


def invented():
    """{name: one of the project's} of the variants that the documents have the reader write."""
    text = "\n".join(map(text_of, computed.DOCUMENTS))
    variants = set(re.findall(r"symbols/(shortcuts|activations)/(\w+)\.py", text))
    return {
        name: {"shortcuts": "dropout", "activations": "preact"}[folder]
        for folder, name in variants
        if not (ROOT / "symbols" / folder / f"{name}.py").exists()
    }


def known(command):
    """The command with variants of the project in place of those that the documents invent."""
    for name, like in invented().items():
        command = re.sub(rf"(?<![a-z_]){name}(?=\d)", like, command)
    return command


def dry_run(command):
    """(exit code, what make would start) of a command."""
    words = shlex.split(known(command))[1:]
    if "clean" in words:  # which has no other programs to start
        return 0, ""
    made = ["-o", ".venv/ready", "-o", "data/generated/test_batch.bin"]
    done = subprocess.run(["make", "-n", *words, *made], cwd=ROOT, text=True, capture_output=True)
    return done.returncode, (done.stdout + done.stderr).replace("\\\n", " ")


def programs(line):
    """[(script or module, its arguments)] that a line of a shell starts from PARSERS."""
    words = shlex.split(line)
    return [
        (name, words[words.index(name) + 1 :])
        for name in PARSERS
        if name in words and "--" not in words[: words.index(name)]
    ]


def test_computed_parts_are_up_to_date():
    command = [sys.executable, "-W", "ignore", "-m", "docs.computed", "--check"]
    done = subprocess.run(command, cwd=ROOT, text=True, capture_output=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("document", computed.DOCUMENTS)
def test_link_leads_to_a_file_of_the_project(document):
    folder = (ROOT / document).parent
    text = re.sub(r"^```.*?^```$", "", text_of(document), flags=re.MULTILINE | re.DOTALL)
    targets = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text)
    missing = [
        target
        for target in targets
        if not target.startswith("https://") and not (folder / target).exists()
    ]
    assert not missing


def anchors(document):
    """What a heading of a document can be linked by."""
    headings = re.findall(r"^#+ (.*)$", text_of(document), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", computed.DOCUMENTS)
def test_link_leads_to_a_heading(document):
    folder = (ROOT / document).parent
    for path, heading in re.findall(r"\]\((\S*?\.md)#([^)]+)\)", text_of(document)):
        target = (folder / path).resolve().relative_to(ROOT).as_posix()
        assert heading in anchors(target), f"{path}#{heading}"


@pytest.mark.parametrize("document", computed.DOCUMENTS)
def test_every_command_is_one(document):
    commands = list(dict.fromkeys(make_commands(document)))
    with ThreadPoolExecutor(2) as pool:
        for command, (code, said) in zip(commands, pool.map(dry_run, commands)):
            assert code == 0, f"{command}: {said}"
            for line in said.splitlines():
                for program, arguments in programs(line):
                    if "NETWORK" not in arguments:
                        PARSERS[program](arguments)
    for line in code_lines(document):
        for program, arguments in programs(line):
            PARSERS[program](arguments)


def test_both_readmes_have_the_same_commands():
    english, chinese = (code_lines(readme) for readme in READMES)
    assert english == chinese
    assert len(english) > 10


def test_command_of_the_readme_trains(images, tmp_path):
    command = next(line for line in code_lines("README.md") if "SCALE=pocket" in line)
    tiny = ["ITERATIONS=2", "BATCH=4", "IMAGE_SIZE=8", f"DATA={images}", f"OUTPUT={tmp_path}/run"]
    here = ["-o", ".venv/ready", f"PY={sys.executable}"]
    done = subprocess.run(
        [*shlex.split(command), *tiny, *here], cwd=ROOT, text=True, capture_output=True
    )
    assert done.returncode == 0, done.stderr
    for name in ("log.csv", "config.json", "curves.png"):
        assert (tmp_path / "run" / name).exists()


def test_idea_of_the_readme_is_a_shortcut():
    for readme in READMES:
        code = re.search(r"```python\n(.*?)```", text_of(readme), re.DOTALL).group(1)
        names = {}
        exec(code, names)
        y = names["join"](mx.sym.Variable("x"), mx.sym.Variable("f"), None)
        assert set(y.list_arguments()) == {"x", "f"}


@pytest.mark.parametrize("document", WITH_RESULTS)
def test_no_result_is_typed(document):
    text = re.sub(
        r"```.*?```|\$\$.*?\$\$|<!-- ([\w-]+) -->.*?<!-- end of \1 -->",
        "",
        text_of(document),
        flags=re.DOTALL,
    )
    text = re.sub(r"<!--[\w-]+-->.*?<!--/-->", "", text)
    text = text.replace("above\n20 %", "").replace("above 20 %", "").replace("at 95 %", "")
    text = text.replace("95 %\nallows", "")
    assert not re.findall(r"\d+(?:\.\d+)?\s*(?:%|points|minutes|hours|分钟|个百分点)", text)


@pytest.mark.parametrize("document", computed.DOCUMENTS)
def test_number_does_not_begin_a_line(document):
    # Markdown takes such a line for HTML and shows it as it is typed
    assert not re.findall(r"^ {0,3}<!--\w.*", text_of(document), re.MULTILINE)


def test_what_the_results_say_of_the_pocket_scale_is_so():
    table1 = measured(experiments.TABLE1, "pocket")
    worst = sorted(table1, key=lambda pair: statistics.median(pair[1].errors))[-4:]
    assert all(fails(row.paper) for row, _ in worst)
    median = {
        name: values.median(name)
        for name in (
            "preact56",
            "relu_only_preact56",
            "original56",
            "relu_before_addition56",
            "bn_after_addition56",
            "shortcut_only_gating56",
            "exclusive_gating56-bias=-7",
            "convolution56",
            "plain20",
            "plain56",
            "original20",
        )
    }
    order = [
        "preact56",
        "relu_only_preact56",
        "original56",
        "relu_before_addition56",
        "bn_after_addition56",
    ]
    assert sorted(order, key=median.get) == order
    assert median["shortcut_only_gating56"] < median["original56"]
    assert median["convolution56"] < median["exclusive_gating56-bias=-7"]
    assert median["original20"] < median["original56"]
    assert median["plain56"] - median["plain20"] > 2 * (median["original56"] - median["original20"])
    seeds = values.errors("original56")
    assert all(values.errors("preact56")[seed] < error for seed, error in seeds.items())
    better = values.errors("exclusive_gating56")
    assert all(
        better[seed] < error for seed, error in values.errors("exclusive_gating56-bias=-7").items()
    )


def test_what_the_results_say_of_the_search_for_the_bias_is_so():
    held_out = [values.searched(bias) for bias in range(0, -11, -1)]
    assert held_out[:4] == sorted(held_out[:4], reverse=True)
    assert held_out[3:9] == sorted(held_out[3:9])
    assert min(held_out) == held_out[3] and search.bias(search.best("pocket")) == -3
    assert all(len(runs.errors) == 1 for runs in search.errors("pocket").values())
    assert values.errors("exclusive_gating56-bias=-3")[0] < min(
        values.errors("original56").values()
    )


def test_what_the_results_say_of_the_desk_scale_is_so():
    names = [
        row.experiment.at("desk").name.replace("cifar10-", "")
        for row, _ in measured(experiments.TABLE1 + experiments.TABLE2, "desk")
    ]
    ours = {name: values.median(name, "desk") for name in names}
    first = {name: values.errors(name, "desk")[0] for name in ours}
    assert ours["original56"] < 20 and ours["original56"] < ours["shortcut_only_gating56"]
    close = [
        first[name]
        for name in ("preact56", "relu_only_preact56", "original56", "shortcut_only_gating56")
    ]
    assert max(close) - min(close) < 1 and first["preact56"] < first["original56"]
    failing = [
        sum(
            fails(statistics.median(runs.errors)) and not fails(row.paper)
            for row, runs in measured(table, "desk")
        )
        for table in (experiments.TABLE1, experiments.TABLE2)
    ]
    assert failing == [5, 2]  # in words
    assert all(
        fails(statistics.median(runs.errors))
        for row, runs in measured(experiments.TABLE1, "desk")
        if fails(row.paper)
    )
    for gating in ("shortcut_only_gating56-bias=0", "exclusive_gating56-bias=0"):
        seeds = values.errors(gating, "desk")
        assert len(seeds) > 1
        assert max(seeds.values()) < min(first["convolution56"], first["constant_scaling56"])
        assert abs(ours[gating] - ours["exclusive_gating56-bias=-7"]) < 1
        assert all(
            values.median(gating) > values.median(other)
            for other in (
                "shortcut_only_gating56",
                "exclusive_gating56",
                "exclusive_gating56-bias=-7",
            )
        )
    assert [name for name in ours if len(values.errors(name, "desk")) > 1] == [
        "shortcut_only_gating56-bias=0",
        "exclusive_gating56-bias=0",
    ]
    assert values.order_without_those_elsewhere() > 0.95
    for column in ("train_error", "test_error"):
        assert values.gain_of_depth(column) > 0.5
        plain = [
            values.published(network, "desk")[0].rows[-1][column]
            for network in ("plain20", "plain56")
        ]
        assert plain[1] > plain[0] + 20


def test_what_the_results_say_of_the_papers_own_recipe_is_so():
    rows = values.published("original20", "full")[0].rows
    paper = digitized.read()["1512.03385", "Fig6M resnet", "20"]
    for column, kind in (("train_error", "train_err"), ("test_error", "test_err")):
        ours = {row["iteration"]: row[column] for row in rows if row[column] is not None}
        pairs = [(ours[x], error) for x, error in paper[kind] if x in ours]
        assert len(pairs) >= 30 and all(error > papers for error, papers in pairs)

    def mean(column, first, last):
        return statistics.mean(
            row[column]
            for row in rows
            if first < row["iteration"] <= last and row[column] is not None
        )

    for column in ("train_error", "test_error"):  # in points, at the first drop
        assert mean(column, 28000, 32000) - mean(column, 36000, 40000) > 4
    assert mean("train_error", 44000, 48000) - mean("train_error", 50000, 54000) > 0.5
    level = [row["test_error"] for row in rows[480:] if row["test_error"] is not None]
    assert max(level) - min(level) < 0.5
    assert abs(mean("test_error", 44000, 48000) - statistics.mean(level)) < 0.5


def test_what_the_results_say_of_jpeg_is_so():
    (once,) = values.published("original20-once", "jpeg")
    (twice,) = values.published("original20-twice", "jpeg")
    assert once.config["data"] == "CIFAR-10 (JPEG q75)"
    assert twice.config["data"] == f"{once.config['data']}, once more through JPEG q75"
    recipes = [dict(run.config["recipe"], data=None) for run in (once, twice)]
    full = values.published("original20", "full")[0].config["recipe"]
    assert recipes[0] == recipes[1]
    assert 10 * recipes[0]["iterations"] == full["iterations"]
    assert [row[-1]["test_error"] for row in (once.rows, twice.rows)] == [17.23, 18.22]
    assert values.VALUES["jpeg-cost"]() == "1.0"


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("scale", ["full", "desk", "pocket"])
def test_outcome_can_be_told_at_each_scale(monkeypatch, language, scale):
    monkeypatch.setattr(outcome, "shown", lambda: scale)
    pocket = outcome.ours
    for name in ("ours", "measured", "neighbours"):
        function = getattr(outcome, name)
        monkeypatch.setattr(
            outcome, name, lambda what, _, function=function: function(what, "pocket")
        )
    assert pocket(experiments.ORIGINAL110, "pocket").errors
    (text,) = outcome.sentences(language)
    assert "{" not in text and ("20 %" in text) and len(text) > 100


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_run_by_the_papers_own_recipe_is_told_first(monkeypatch, language):
    trained = outcome.ours(experiments.ORIGINAL110, "desk")
    ours = outcome.ours
    monkeypatch.setattr(
        outcome,
        "ours",
        lambda what, scale: ours(what, scale)
        if scale != "full"
        else trained
        if what == experiments.experiment(20)
        else trained._replace(runs=[], errors=[]),
    )
    (text,) = outcome.sentences(language)
    assert text.index("ResNet-20") < text.index(f"{trained.errors[0]:.2f} %") < 120
    assert "8.75 %" in text and "JPEG q75" in text and "ResNet-32" not in text
    rows = [line for line in outcome.at_full_scale() if line.startswith("| ResNet")]
    assert [row.split(" | ")[1:3] for row in rows] == [
        ["8.75 (1512.03385, Table 6)", f"{trained.errors[0]:.2f}"]
    ]


@pytest.mark.parametrize(
    "language, told, untold",
    [("en", "at 95 %", "one seed of each"), ("zh", "95 %", "只有一个种子")],
)
def test_outcome_claims_no_more_than_the_seeds_allow(monkeypatch, language, told, untold):
    monkeypatch.setattr(outcome, "shown", lambda: "pocket")
    (text,) = outcome.sentences(language)
    assert told in text and untold not in text
    pairs = [
        pair._replace(error=None, limit=None)
        for pair in outcome.neighbours(experiments.TABLE1, "pocket")
    ]
    monkeypatch.setattr(outcome, "neighbours", lambda *_: pairs)
    (text,) = outcome.sentences(language)
    assert untold in text and told not in text


def test_readme_is_one_screen():
    assert len(text_of("README.md").encode()) <= 9000


def test_licence_is_the_apache_licence():
    assert hashlib.sha256((ROOT / "LICENSE").read_bytes()).hexdigest() == APACHE_2


def test_each_thing_that_the_notes_show_has_a_command():
    what_they_show = text_of("docs/NOTES.md").split("## The whole run")[0]
    rows = [
        line
        for line in what_they_show.splitlines()
        if line.startswith("| ") and not line.startswith(("| the notes", "| ---"))
    ]
    assert len(rows) > 35
    assert not [row for row in rows if "`make " not in row]
