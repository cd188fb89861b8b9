"""Imports go one way; files and functions are short; no variable has a vague name."""

import ast
from functools import lru_cache

import mutants
import pytest
from conftest import PAPER

from common.files import ROOT

# What each room may import besides common; benchmarks, tests and the scripts at the top may import
# all. Nothing imports a script.
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
ROOMS = {*MAY_IMPORT, "benchmarks", "tests"}
SCRIPTS = {"train_cifar", "train_imagenet", "train_notes", "score", "reproduce"}


def is_ours(path):
    """Whether a file is the project's. The rules are not for a user's scripts and variants."""
    parts = path.relative_to(ROOT).parts
    if parts[0].replace(".py", "") not in ROOMS | SCRIPTS:
        return False
    return parts[:1] != ("symbols",) or len(parts) == 2 or path.stem in PAPER[parts[1]]


# only these two have folders; data/ can hold the images and scripts of a user
FILES = sorted(
    filter(
        is_ours,
        [
            *ROOT.glob("[!.]*.py"),
            *ROOT.glob("[!.]*/*.py"),
            *ROOT.glob("symbols/*/*.py"),
            *ROOT.glob("tests/*/*.py"),
        ],
    )
)


def room(path):
    return path.relative_to(ROOT).parts[0]


@lru_cache(None)
def nodes(path):
    """The nodes of a file's syntax tree."""
    return list(ast.walk(ast.parse(path.read_text())))


def imported(path):
    """The rooms and scripts that a file imports, at its top or in a function."""
    names = set()
    for node in nodes(path):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names.add(node.module.split(".")[0])
    return names & (ROOMS | SCRIPTS)


def test_imports_go_one_way():
    for path in FILES:
        allowed = MAY_IMPORT.get(room(path), ROOMS) | {room(path), "common"}
        if room(path) == "tests":
            allowed = ROOMS | SCRIPTS
        assert imported(path) <= allowed, f"{path.relative_to(ROOT)}: {imported(path) - allowed}"


def test_files_are_short():
    for path in FILES:
        lines = len(path.read_text().splitlines())
        most = 500 if room(path) == "tests" else 300
        assert lines <= most, f"{path.relative_to(ROOT)} has {lines} lines"


def test_functions_are_short():
    for path in FILES:
        for node in nodes(path):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                is_loop = path == ROOT / "training" / "loop.py" and node.name == "train"
                length = node.end_lineno - node.lineno + 1
                assert length <= (40 if is_loop else 60), f"{path}: {node.name}"


@pytest.mark.parametrize("mutant", mutants.MUTANTS, ids=lambda mutant: mutant.mistake)
def test_mutants_are_of_the_current_code(mutant):
    assert (ROOT / mutant.file).read_text().count(mutant.right) == 1
    for test in mutant.tests.split():
        assert list(ROOT.glob(f"tests/*/{test}")), f"no file is called {test}"


def test_no_module_of_ours_is_renamed_where_it_is_imported():
    for path in FILES:
        for node in nodes(path):
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                source = getattr(node, "module", None) or node.names[0].name
                ours = getattr(node, "level", 0) or source.split(".")[0] in ROOMS | SCRIPTS
                renamed = [alias.name for alias in node.names if alias.asname]
                assert not (ours and renamed), f"{path.relative_to(ROOT)}: {renamed}"


VAGUE = {"one", "chosen", "made", "wanted", "given", "said", "told", "asked"}


def test_no_variable_has_a_vague_name():
    for path in FILES:
        for node in nodes(path):
            stored = isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id
            name = node.arg if isinstance(node, ast.arg) else stored
            assert name not in VAGUE, f"{path.relative_to(ROOT)} line {node.lineno}: {name}"
