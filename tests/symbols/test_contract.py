"""A variant's file that breaks its contract is named in one line, and breaks nothing else."""

import json
import signal
import subprocess
import sys

import pytest
from bad_variants import FILES
from conftest import refused
from source import ROOT, run_in, source_copy

SMALL = ["--data-dir", "DATA", "--image-size", "8", "--iterations", "2", "--batch-size", "10"]


@pytest.fixture(scope="module")
def messages(tmp_path_factory):
    """{file: message} of all bad files, which stand beside each other in one copy of the source."""
    folder = tmp_path_factory.mktemp("source")
    source_copy(folder)
    for file, (content, _) in FILES.items():
        (folder / "symbols" / f"{file}.py").write_text(content)
    code, out, err = run_in(
        folder, ROOT / "tests" / "helpers" / "bad_variants.py", PYTHONPATH=folder
    )
    assert code == 0, err
    return json.loads(out.splitlines()[-1])


@pytest.mark.parametrize("file", FILES)
def test_bad_file_is_named_in_one_line(messages, file):
    message = messages[file]
    assert message.startswith(f"symbols/{file}.py"), message
    assert len(message.splitlines()) == 1
    assert FILES[file][1] in message, message


def test_bad_file_leaves_no_run_and_stops_no_other_network(images, tmp_path):
    folder = source_copy(tmp_path)
    for file, (content, _) in FILES.items():
        (folder / "symbols" / f"{file}.py").write_text(content)
    (folder / "symbols/shortcuts/.#identity.py").symlink_to("user@host.1234")  # an editor's lock
    (folder / "symbols/shortcuts/identity.py~").write_text("an editor's backup")
    small = [images if word == "DATA" else word for word in SMALL]
    assert refused(run_in(folder, "train_cifar.py", "fixed_name8", *small), "fixed_name.py, line 4")
    assert not (folder / "runs").exists()
    code, _, err = run_in(folder, "train_cifar.py", "original8", *small)
    assert code == 0, err


ENDLESS = """def join(x, f, unit):
    print("begun", flush=True)
    while True:
        f = f
"""


def test_ctrl_c_in_an_endless_loop_says_where(images, tmp_path):
    folder = source_copy(tmp_path)
    (folder / "symbols/shortcuts/endless.py").write_text(ENDLESS)
    command = [sys.executable, "-W", "ignore", "train_cifar.py", "endless8"]
    process = subprocess.Popen(
        command, cwd=folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout.readline() == "begun\n"
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err.startswith("stopped in symbols/shortcuts/endless.py, line ")
    assert len(err.splitlines()) == 1
