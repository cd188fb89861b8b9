"""The documents: tables agree with the logs, commands are commands, links lead somewhere."""

import hashlib
import re
import shlex
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
from publish.__main__ import DOCUMENTS
from symbols import network_options
from training import cluster, options

READMES = ["README.md", "README.zh.md"]
APACHE_2 = "c71d239df91726fc519c6eb72d318ec65820627232b2f796219e87dcf35d0ab4"


def train_cifar_takes(words):
    """Raise UserError for what train_cifar.py rejects before it looks for images."""
    arguments = options.read(train_cifar.parser(), words)
    network_options.network(arguments, "cifar", train_cifar.DEPTH)


def train_imagenet_takes(words):
    """Raise UserError for what train_imagenet.py rejects before it looks for images."""
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
    inline = re.findall(r"`(make [^`]*)`", text_of(document))
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


def test_computed_parts_are_up_to_date():
    command = [sys.executable, "-W", "ignore", "-m", "publish", "--check"]
    done = subprocess.run(command, cwd=ROOT, text=True, capture_output=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("document", DOCUMENTS)
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


@pytest.mark.parametrize("document", DOCUMENTS)
def test_link_leads_to_a_heading(document):
    folder = (ROOT / document).parent
    for path, heading in re.findall(r"\]\((\S*?\.md|)#([^)]+)\)", text_of(document)):
        target = (folder / path).resolve().relative_to(ROOT).as_posix() if path else document
        assert heading in anchors(target), f"{path}#{heading}"


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


def test_variant_of_the_readme_is_a_shortcut():
    for readme in READMES:
        code = re.search(r"```python\n(.*?)```", text_of(readme), re.DOTALL).group(1)
        names = {}
        exec(code, names)
        y = names["join"](mx.sym.Variable("x"), mx.sym.Variable("f"), None)
        assert set(y.list_arguments()) == {"x", "f"}


def test_readme_fits_100_lines():
    for readme in READMES:
        assert len(text_of(readme).splitlines()) <= 100


def test_chinese_sentences_have_no_spaces_from_line_breaks():
    assert not re.search(
        r"[\u4e00-\u9fff，。；：、）] *\n(?=[\u4e00-\u9fff（])", text_of("README.zh.md")
    )


def test_licence_is_the_apache_licence():
    assert hashlib.sha256((ROOT / "LICENSE").read_bytes()).hexdigest() == APACHE_2


def test_each_thing_that_the_notes_show_has_a_command():
    shown = text_of("docs/NOTES.md").split("## The complete run")[0]
    rows = [
        line
        for line in shown.splitlines()
        if line.startswith("| ") and not line.startswith("| notes · 笔记 |")
    ]
    assert len(rows) > 35
    assert not [row for row in rows if "`make " not in row]
