"""What a machine gives and a user's environment says becomes settings that MXNet can bear."""

import os
import subprocess
import sys

import pytest
from conftest import ROOT, begin

from common import environment
from training.source import source


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """machine(cores, groups, files): a /proc and a /sys/fs/cgroup of the test."""
    monkeypatch.setattr(environment, "CPUINFO", tmp_path / "cpuinfo")
    monkeypatch.setattr(environment, "CGROUP", tmp_path / "cgroup")
    monkeypatch.setattr(environment, "CGROUPS", tmp_path / "groups")

    def make(cores, groups="", files=()):
        monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(cores)))
        blocks = [f"processor : {k}\ncore id : {k}\nphysical id : 0" for k in range(cores)]
        (tmp_path / "cpuinfo").write_text("\n\n".join(blocks))
        (tmp_path / "cgroup").write_text(groups)
        for name, content in dict(files).items():
            path = tmp_path / "groups" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)

    return make


@pytest.mark.parametrize(
    "groups, files, cores",
    [
        ("", {}, 16),
        ("0::/\n", {"cpu.max": "200000 100000\n"}, 2),
        ("0::/\n", {"cpu.max": "50000 100000\n"}, 1),
        ("0::/\n", {"cpu.max": "max 100000\n"}, 16),
        ("0::/job/step\n", {"job/cpu.max": "400000 100000", "job/step/cpu.max": "max 100000"}, 4),
        (
            "3:cpuacct,cpu:/job\n",
            {"cpu/job/cpu.cfs_quota_us": "300000", "cpu/job/cpu.cfs_period_us": "100000"},
            3,
        ),
        ("3:cpu:/\n", {"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, 16),
        ("0::/\n", {"cpu.max": "nonsense"}, 16),
        ("0::/\n", {"cpu.max": "1 0"}, 16),
    ],
)
def test_quota_of_processor_time_counts_as_cores(machine, groups, files, cores):
    machine(16, groups, files)
    assert environment.physical_cores() == cores


def test_machine_without_proc_has_all_processors(tmp_path, monkeypatch):
    monkeypatch.setattr(environment, "CPUINFO", tmp_path / "none")
    monkeypatch.setattr(environment, "CGROUP", tmp_path / "none")
    assert environment.physical_cores() == os.cpu_count()


@pytest.mark.parametrize(
    "given, count, words",
    [
        (None, 2, ""),
        ("1", 1, ""),
        ("4,2", 4, ""),
        (" 3 ", 3, ""),
        ("all", 2, "no number"),
        ("", 2, "no number"),
        ("0", 2, "no number"),
        ("-1", 2, "no number"),
        ("1e9", 2, "no number"),
        ("64", 64, "on 2 cores"),
        ("9999999999999", 2, "no number"),
    ],
)
def test_threads_are_a_number_that_mxnet_can_read(machine, given, count, words):
    machine(2)
    found, warning = environment.threads(given)
    assert found == count and words in warning and bool(warning) == bool(words)


def test_setting_that_changes_a_checkpoints_keys_is_not_the_users(monkeypatch):
    monkeypatch.setattr(os, "environ", {"MXNET_UPDATE_ON_KVSTORE": "0", "OMP_NUM_THREADS": "4,2"})
    environment.prepare_mxnet()
    assert os.environ["MXNET_UPDATE_ON_KVSTORE"] == "1" and os.environ["OMP_NUM_THREADS"] == "4"


def git(folder, *words):
    command = ["git", "-c", "user.name=a", "-c", "user.email=a@b", *words]
    return subprocess.run(command, cwd=folder, check=True, text=True, capture_output=True)


@pytest.fixture
def checkout(tmp_path):
    git(tmp_path, "init", "-q")
    git(tmp_path, "commit", "-q", "--allow-empty", "-m", "one")
    return tmp_path


def test_files_inside_another_repository_are_not_of_its_commit(checkout):
    (checkout / "unpacked").mkdir()
    assert source(checkout)["commit"]
    assert source(checkout / "unpacked") == {"commit": None, "uncommitted": None}


def test_commit_is_not_that_of_git_dir(checkout, tmp_path_factory, monkeypatch):
    monkeypatch.setenv("GIT_DIR", str(checkout / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(checkout))
    assert source(tmp_path_factory.mktemp("elsewhere"))["commit"] is None


def test_users_settings_of_matplotlib_do_not_reach_our_figures(tmp_path):
    (tmp_path / "matplotlibrc").write_text("text.usetex: True\nlines.linewidth: 9\n")
    code = (
        "import plots, matplotlib; rc = matplotlib.rcParams;"
        "print(rc['text.usetex'], rc['lines.linewidth'], matplotlib.get_backend().lower())"
    )
    for setting in ({"MATPLOTLIBRC": str(tmp_path)}, {"MPLCONFIGDIR": str(tmp_path)}):
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=ROOT,
            text=True,
            capture_output=True,
            env={**os.environ, **setting, "MPLBACKEND": "nonsense"},
        )
        assert done.stdout == "False 1.5 agg\n", done.stderr


def test_mxnet_leaves_out_what_it_does_not_need_and_nothing_is_lost_by_it():
    code = (
        "import sys, common, mxnet\n"
        "print([name in sys.modules for name in ('scipy.stats', 'setuptools', 'gluoncv')])\n"
        "import scipy.stats, gluoncv\n"
        "print(scipy.stats.entropy([0.5, 0.5]) > 0.69, mxnet.nd.ones(3).sum().asscalar())\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], cwd=ROOT, text=True, capture_output=True
    )
    assert done.stdout.split("\n")[:2] == ["[False, False, False]", "True 3.0"], done.stderr


TEAMS = """
import common
import ctypes
from concurrent.futures import ThreadPoolExecutor

import mxnet
from common.openmp import copy_alone

threads = ctypes.CDLL("libgomp.so.1").omp_get_max_threads
pool = ThreadPoolExecutor(1, initializer=copy_alone)
print(threads(), pool.submit(threads).result())
"""


@pytest.mark.parametrize(
    "engine, threads", [("ThreadedEnginePerDevice", "1 1"), ("NaiveEngine", "4 4")]
)
def test_threads_that_copy_have_no_team_of_their_own(engine, threads):
    """Such teams put the engine's to sleep at each of its barriers."""
    out, err = begin(TEAMS, OMP_NUM_THREADS="4", MXNET_ENGINE_TYPE=engine).communicate(timeout=60)
    assert out.strip() == threads, err
