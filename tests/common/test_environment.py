"""Limits of the machine and settings of the user's environment."""

import os
from math import inf

import pytest
from conftest import ROOT, begin
from source import run_in

from common import cgroups, environment
from training import memory


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """machine(cores, groups, files): made-up files of /proc and /sys/fs/cgroup."""
    monkeypatch.setattr(environment, "CPUINFO", tmp_path / "cpuinfo")
    monkeypatch.setattr(cgroups, "MEMBERSHIP", tmp_path / "cgroup")
    monkeypatch.setattr(cgroups, "TOP", tmp_path / "groups")

    def create(cores, groups="", files=()):
        monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(cores)))
        blocks = [f"processor : {k}\ncore id : {k}\nphysical id : 0" for k in range(cores)]
        (tmp_path / "cpuinfo").write_text("\n\n".join(blocks))
        (tmp_path / "cgroup").write_text(groups)
        for name, content in dict(files).items():
            path = tmp_path / "groups" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)

    return create


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
def test_quota_of_processor_time_limits_the_cores(machine, groups, files, cores):
    machine(16, groups, files)
    assert environment.physical_cores() == cores


V1 = {"limit_in_bytes": "5000", "usage_in_bytes": "4000"}
UNLIMITED = {"limit_in_bytes": "9223372036854771712", "usage_in_bytes": "4000"}
STATISTICS = "active_file 1\ninactive_file 2\ntotal_active_file 100\ntotal_inactive_file 200\n"


def files_of(folder, values):
    return {f"{folder}memory.{name}": value for name, value in values.items()}


@pytest.mark.parametrize(
    "groups, files, limit, free",
    [
        ("", {}, inf, inf),
        ("0::/\n", {"memory.max": "max\n", "memory.current": "7\n"}, inf, inf),
        ("0::/\n", {"memory.max": "5000\n", "memory.current": "4000\n"}, 5000, 1000),
        (
            "0::/\n",
            {
                "memory.max": "5000",
                "memory.current": "4000",
                "memory.stat": "anon 3000\ninactive_file 900\nactive_file 50\nslab 50\n",
            },
            5000,
            1950,
        ),
        (  # SLURM limits the job, docker the outermost group that a container shows
            "0::/job/step\n",
            {
                **files_of("job/", {"max": "6000", "current": "5000"}),
                **files_of("job/step/", {"max": "max", "current": "5000"}),
            },
            6000,
            1000,
        ),
        ("4:memory:/docker/1\n", files_of("memory/", {**V1, "stat": STATISTICS}), 5000, 1300),
        (
            "4:memory:/a\n",
            {**files_of("memory/", UNLIMITED), **files_of("memory/a/", V1)},
            5000,
            1000,
        ),
        ("4:memory:/\n", files_of("memory/", {"limit_in_bytes": "-1"}), inf, inf),
    ],
)
def test_memory_of_a_container_is_limited(machine, groups, files, limit, free):
    machine(2, groups, files)
    assert cgroups.memory() == (limit, free)
    assert memory.free_bytes() == free if free < inf else memory.free_bytes() > 10**6


@pytest.mark.parametrize(
    "text, count, warning",
    [
        (None, 2, ""),
        ("1", 1, ""),
        ("4,2", 4, ""),
        (" 3 ", 3, ""),
        ("64", 64, "on 2 cores"),
        *[(text, 2, "not a number") for text in ("all", "", "0", "-1", "1e9", "9999999999999")],
    ],
)
def test_threads_are_a_number_that_mxnet_can_read(machine, text, count, warning):
    machine(2)
    threads, message = environment.threads(text)
    assert threads == count and warning in message and bool(warning) == bool(message)


def test_users_values_of_variables_that_break_training_are_replaced(monkeypatch):
    monkeypatch.setattr(os, "environ", {"MXNET_UPDATE_ON_KVSTORE": "0", "OMP_NUM_THREADS": "4,2"})
    environment.prepare_mxnet()
    assert os.environ["MXNET_UPDATE_ON_KVSTORE"] == "1" and os.environ["OMP_NUM_THREADS"] == "4"


def test_processor_is_its_model_and_its_widest_vectors(tmp_path, monkeypatch):
    monkeypatch.setattr(environment, "CPUINFO", tmp_path / "cpuinfo")
    blocks = "model name\t: A 1\nflags\t\t: sse4_1 avx avx2\n\nmodel name: B"
    (tmp_path / "cpuinfo").write_text(blocks)
    assert environment.processor() == "A 1, avx2"


@pytest.mark.parametrize("variable", ["MATPLOTLIBRC", "MPLCONFIGDIR"])
def test_users_settings_of_matplotlib_do_not_reach_our_figures(tmp_path, variable):
    (tmp_path / "matplotlibrc").write_text("text.usetex: True\nlines.linewidth: 9\n")
    code = (
        "import plots, matplotlib; rc = matplotlib.rcParams;"
        "print(rc['text.usetex'], rc['lines.linewidth'], matplotlib.get_backend().lower())"
    )
    settings = {variable: str(tmp_path), "MPLBACKEND": "nonsense"}
    out, err = begin(code, **settings).communicate()
    assert out == "False 1.5 agg\n", err


@pytest.mark.parametrize("script", ["train_cifar.py", "score.py", "-m plots", "-m data.prepare"])
def test_packages_of_pythonpath_do_not_replace_ours(tmp_path, script):
    for package in ("numpy", "scipy", "packaging", "tqdm", "matplotlib", "mxnet"):
        (tmp_path / f"{package}.py").write_text("raise SystemExit('the wrong package')")
    folders = f"{tmp_path}{os.pathsep}{ROOT}"
    code, out, err = run_in(ROOT, *script.split(), "--help", PYTHONPATH=folders)
    assert code == 0 and out.startswith("usage:"), err


def test_figures_are_drawn_for_a_user_without_a_home():
    code = """
import os, pwd
os.environ.pop("HOME")
def unknown(uid):
    raise KeyError(uid)
pwd.getpwuid = unknown
import plots
import matplotlib.pyplot as plt
plt.figure().savefig(os.devnull, format="png")
"""
    assert begin(code, XDG_CONFIG_HOME="", XDG_CACHE_HOME="").wait() == 0


TEAMS = """
import common
import ctypes
from concurrent.futures import ThreadPoolExecutor

from common.openmp import copy_alone

threads = ctypes.CDLL("libgomp.so.1").omp_get_max_threads
pool = ThreadPoolExecutor(1, initializer=copy_alone)
print(threads(), pool.submit(threads).result())
"""


@pytest.mark.parametrize(
    "engine, threads", [("ThreadedEnginePerDevice", "1 1"), ("NaiveEngine", "4 4")]
)
def test_threads_that_copy_have_no_team(engine, threads):
    """Such teams put the engine's threads to sleep at each barrier."""
    out, err = begin(TEAMS, OMP_NUM_THREADS="4", MXNET_ENGINE_TYPE=engine).communicate(timeout=1800)
    assert out.strip() == threads, err


@pytest.mark.parametrize(
    "value, count, threads",
    [("", 1, "4"), ("", 3, "1"), ("", 9, "1"), ("1", 2, "1"), ("4", 2, "2"), ("6", 1, "6")],
)
def test_processes_share_the_cores(machine, monkeypatch, value, count, threads):
    machine(4)
    monkeypatch.setattr(environment, "GIVEN", {"OMP_NUM_THREADS": value} if value else {})
    assert environment.shared_threads(count) == threads
