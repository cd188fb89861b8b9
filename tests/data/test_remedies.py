"""A message names a remedy that works, and options that its command has."""

import ast
import re
import shutil

import pytest
from conftest import ROOT, refusal
from trees import touch

import score
import train_cifar
import train_imagenet
from data import folders, prepare

READERS = {
    train_cifar: "cifar download folders image_files image_folders layouts lists",
    score: "cifar crops download folders im2rec image_files image_folders imagenet inputs lists test_set",
    train_imagenet: "crops im2rec imagenet records",
    prepare: "folders image_files lists prepare split_writer",
}
IM2REC = {"--list", "--recursive", "--train-ratio", "--pack-label"}


def options(command):
    return {word for action in command.parser()._actions for word in action.option_strings}


def messages(module):
    """The text of each UserError in a module."""
    for node in ast.walk(ast.parse((ROOT / "data" / f"{module}.py").read_text())):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "UserError":
            yield ast.dump(node)


@pytest.mark.parametrize("command", READERS)
def test_options_in_messages_exist(command):
    for module in READERS[command].split():
        for message in messages(module):
            known = options(command) | IM2REC | {"--validation"}  # of the run that is scored
            if "imagenet-data" in message:
                known |= options(prepare)
            named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", message))
            assert named <= known, (command.__name__, module, named - known)


def write_list(folder):
    (folder / "val.txt").write_text("3.png a\n")


def move(name, target):
    return lambda folder: (folder / name).rename(folder.parent / target.format(folder.name))


def remove(name):
    return lambda folder: shutil.rmtree(folder / name)


LABELLED = ["train/a/1.png", "train/a/2.png", "train/b/1.png", "train/b/2.png"]
FLAT = [*LABELLED, "test/3.png"]  # Kaggle's competitions


@pytest.mark.parametrize(
    "paths, cause, remedy",
    [
        (FLAT, "write val.txt", write_list),
        (FLAT, "move test/ elsewhere", move("test", "elsewhere")),
        ([*LABELLED, "holdout/a/3.png"], "rename it to val/", move("holdout", "{}/val")),
        ([*LABELLED, "holdout/a/3.png"], "move it elsewhere", move("holdout", "elsewhere")),
        (["learn/a/1", "learn/b/1", "val/a/2"], "to train/", move("learn", "{}/train")),
        (["x/a/1", "x/b/1", "train/a/1", "train/b/2"], "to val/", move("x", "{}/val")),
        ([*LABELLED, "train/c/1.png"], "remove the class", remove("train/c")),
        ([*LABELLED, "train/c/1.png"], "val/", lambda folder: touch(folder, "val/c/2.png")),
        ([*LABELLED, "val/a/1.png", "val/c/1.png"], "remove that folder", remove("val/c")),
        ([*LABELLED, "training/a/1"], "move it elsewhere", move("training", "elsewhere")),
    ],
)
def test_remedy_in_a_message_works(tmp_path, paths, cause, remedy):
    folder = touch(tmp_path / "set", *paths)
    refusal(lambda: folders.listing(folder), cause)
    remedy(folder)
    assert len(folders.listing(folder).classes) >= 2
