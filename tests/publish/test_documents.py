"""The documents: tables agree with the logs, commands are commands, links lead somewhere."""

import re
import shlex
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import ROOT

import reproduce
import score
import train_cifar
import train_imagenet
import train_notes
from analysis import departures
from common import files
from publish.__main__ import DOCUMENTS, NO_RUNS, filled
from symbols import network_options
from training import cluster, options

READMES = ["README.md", "README.zh.md"]


def takes(script, family):
    """A function that raises UserError for what a script rejects before it looks for images."""

    def read(words):
        arguments = options.read(script.parser(), words)
        network_options.network(arguments, family)

    return read


PARSERS = {
    "train_cifar.py": takes(train_cifar, "cifar"),
    "train_imagenet.py": takes(train_imagenet, "imagenet"),
    "train_notes.py": train_notes.parser().parse_args,
    "score.py": score.parser().parse_args,
    "reproduce.py": reproduce.parser().parse_args,
    "analysis.departures": departures.parser().parse_args,
    "training.cluster": cluster.parser().parse_args,
}


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
    """Every command of make that a document shows, in code blocks and in its text."""
    inline = re.findall(r"`(make\s[^`]*)`", text_of(document))
    commands = [*code_lines(document), *(" ".join(command.split()) for command in inline)]
    return [command for command in commands if command.startswith("make ") and "..." not in command]


def invented():
    """{name: a variant of the project} of the variants that the documents invent."""
    text = "\n".join(map(text_of, DOCUMENTS))
    variants = set(re.findall(r"symbols/(shortcuts|activations)/(\w+)\.py", text))
    return {
        name: {"shortcuts": "dropout", "activations": "preact"}[folder]
        for folder, name in variants
        if not (ROOT / "symbols" / folder / f"{name}.py").exists()
    }


def known(command):
    """The command with variants of the project in place of invented ones."""
    for name, like in invented().items():
        command = re.sub(rf"(?<![a-z_]){name}(?=\d)", like, command)
    return command


def dry_run(command):
    """(exit code, output) of make -n."""
    words = shlex.split(known(command))[1:]
    if "clean" in words:  # starts no program
        return 0, ""
    ready = ["-o", ".venv/ready", "-o", "data/generated/test_batch.bin"]
    done = subprocess.run(["make", "-n", *words, *ready], cwd=ROOT, text=True, capture_output=True)
    return done.returncode, (done.stdout + done.stderr).replace("\\\n", " ")


def programs(line):
    """[(script or module, its arguments)] that a line of a shell starts from PARSERS."""
    words = shlex.split(line)
    return [
        (name, words[words.index(name) + 1 :])
        for name in PARSERS
        if name in words and "--" not in words[: words.index(name)]
    ]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_computed_parts_are_up_to_date(document, monkeypatch):
    monkeypatch.setattr(files, "RUNS", NO_RUNS)
    assert filled(text_of(document), document) == text_of(document)


def anchors(path):
    """The link anchors of a document's headings."""
    headings = re.findall(r"^#+ (.*)$", path.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_lead_to_files_and_headings(document):
    text = re.sub(r"^```.*?^```$", "", text_of(document), flags=re.MULTILINE | re.DOTALL)
    for path, heading in re.findall(r"\]\((?!https:)([^)#\s]*)#?([^)]*)\)", text):
        target = (ROOT / document).parent / path if path else ROOT / document
        assert target.exists(), path
        if target.suffix == ".md" and heading:
            assert heading in anchors(target), f"{path}#{heading}"


@pytest.mark.parametrize("document", DOCUMENTS)
def test_linked_names_are_defined(document):
    for path, name in re.findall(r"\[`([\w./]+\.py):\s([\w.]+)`\]", text_of(document)):
        source = (ROOT / path).read_text()
        for word in name.split("."):
            definition = rf"^ *(def|class) {word}\b|^{word}(: .*)? = "
            assert re.search(definition, source, re.MULTILINE), f"{path} defines no {word}"


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_command_is_valid(document):
    commands = list(dict.fromkeys(make_commands(document)))
    with ThreadPoolExecutor(2) as pool:
        for command, (code, output) in zip(commands, pool.map(dry_run, commands)):
            assert code == 0, f"{command}: {output}"
            for line in output.splitlines():
                for program, arguments in programs(line):
                    if "NETWORK" not in arguments:
                        PARSERS[program](arguments)
    for line in code_lines(document):
        for program, arguments in programs(line):
            PARSERS[program](arguments)


def test_both_readmes_have_the_same_commands_and_blocks():
    english, chinese = (code_lines(readme) for readme in READMES)
    assert english == chinese
    assert len(english) > 8
    blocks = [
        re.findall(r"^<!-- .* -->$|^#+ ", text_of(readme), re.MULTILINE) for readme in READMES
    ]
    assert blocks[0] == blocks[1]
    variants = [
        re.findall(r"^```python\n.*?^```$", text_of(readme), re.M | re.S) for readme in READMES
    ]
    assert variants[0] == variants[1]


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


def test_readmes_fit_100_lines_and_chinese_has_no_spaces_from_line_breaks():
    assert all(len(text_of(readme).splitlines()) <= 100 for readme in READMES)
    spaces = r"[\u4e00-\u9fff，。；：、）] *\n(?=[\u4e00-\u9fff（])"
    assert not re.search(spaces, text_of("README.zh.md"))


def test_each_thing_that_the_notes_show_has_a_command():
    shown = text_of("docs/NOTES.md").split("## The complete run")[0]
    rows = re.findall(r"^\| (?!notes · 笔记 \|).*", shown, re.MULTILINE)
    assert len(rows) > 35
    assert not [row for row in rows if "`make " not in row]
