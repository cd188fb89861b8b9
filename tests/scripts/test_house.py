"""The house keeps its rules: which room may open which door, and how long a file, a function and a
line may be.
"""

import ast
from pathlib import Path

import mutants
import pytest
from conftest import PAPER

ROOT = Path(__file__).resolve().parents[2]
# What each room may import besides common; benchmarks, docs, tests and the scripts at the top may
# import all. Nothing imports a script.
MAY_IMPORT = {
    "common": set(),
    "symbols": set(),
    "training": set(),
    "data": set(),
    "paper": {"symbols", "training"},
    "analysis": {"symbols", "training", "data", "paper"},
    "plots": {"symbols", "training", "paper", "analysis"},
    "publish": {"symbols", "training", "paper", "analysis", "plots"},
}
FREE = ("benchmarks", "tests")


def is_ours(path):
    """Whether a file is the project's; a user's variant need not keep its rules."""
    parts = path.relative_to(ROOT).parts
    if parts[0] == "runs" or parts[0].startswith("."):
        return False
    return parts[:1] != ("symbols",) or len(parts) == 2 or path.stem in PAPER[parts[1]]


FILES = sorted(filter(is_ours, ROOT.rglob("*.py")))
SCRIPTS = {path.stem for path in FILES if path.parent == ROOT}
ROOMS = {*MAY_IMPORT, *FREE}
TOP = {
    "Makefile",
    "README.md",
    "README.zh.md",
    "LICENSE",
    "CONTRIBUTING.md",
    "pyproject.toml",
    "train_cifar.py",
    "train_imagenet.py",
    "train_notes.py",
    "score.py",
    "reproduce.py",
    "docs",
    "results",
    "runs",
    "requirements",
    *ROOMS,
}


def parsed(path):
    return ast.parse(path.read_text())


def imported(path):
    """The rooms and scripts that a file imports, wherever in it."""
    names = set()
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names.add(node.module.split(".")[0])
        elif isinstance(node, ast.ImportFrom) and node.level > 1:  # another folder of the same room
            assert len(path.relative_to(ROOT).parts) > node.level, path
    return names & (ROOMS | SCRIPTS)


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_room_opens_no_other_door(room):
    for path in FILES:
        if path.relative_to(ROOT).parts[0] != room:
            continue
        doors = imported(path) - {room, "common"}
        assert (
            doors <= MAY_IMPORT[room]
        ), f"{path.relative_to(ROOT)} imports {doors - MAY_IMPORT[room]}"


def test_nothing_but_tests_imports_a_script():
    for path in FILES:
        if path.relative_to(ROOT).parts[0] != "tests":
            assert not imported(path) & SCRIPTS, path


def test_top_level_holds_what_users_type_and_rooms():
    names = {path.name for path in ROOT.iterdir() if not path.name.startswith((".", "__"))}
    assert names <= TOP, names - TOP


def test_files_fit_the_patience_of_a_reader():
    for path in FILES:
        lines = len(path.read_text().splitlines())
        most = 500 if path.relative_to(ROOT).parts[0] == "tests" else 300
        assert lines <= most, f"{path.relative_to(ROOT)} has {lines} lines"


def functions():
    for path in FILES:
        for node in ast.walk(parsed(path)):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                yield path.relative_to(ROOT), node


def test_functions_fit_the_eye():
    for path, node in functions():
        assert node.end_lineno - node.lineno < 60, f"{path}: {node.name}"


def test_the_training_loop_fits_the_eye():
    lengths = [
        node.end_lineno - node.lineno + 1
        for path, node in functions()
        if str(path) == "training/loop.py" and node.name == "train"
    ]
    assert len(lengths) == 1 and lengths[0] <= 40


@pytest.mark.parametrize("mutant", mutants.MUTANTS, ids=lambda mutant: mutant.mistake)
def test_mutants_are_of_todays_code(mutant):
    assert (ROOT / mutant.file).read_text().count(mutant.right) == 1


def test_no_module_of_ours_is_renamed_where_it_is_imported():
    for path in FILES:
        for node in ast.walk(parsed(path)):
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                room = getattr(node, "module", None) or node.names[0].name
                ours = getattr(node, "level", 0) or room.split(".")[0] in ROOMS | SCRIPTS
                renamed = [alias.name for alias in node.names if alias.asname]
                assert not (ours and renamed), f"{path.relative_to(ROOT)}: {renamed}"


VAGUE = {"one", "chosen", "made", "wanted", "given", "said", "told", "asked"}


def test_variables_are_nouns():
    for path in FILES:
        for node in ast.walk(parsed(path)):
            stored = isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id
            name = node.arg if isinstance(node, ast.arg) else stored
            assert name not in VAGUE, f"{path.relative_to(ROOT)} line {node.lineno}: {name}"
