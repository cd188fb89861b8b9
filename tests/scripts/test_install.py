"""make setup chooses the Python and the build of MXNet that run here, and says what it cannot do."""

import fcntl
import shutil
import subprocess
import sys

import pytest
from conftest import ROOT

from common import gpus

# A stand-in for the driver's library, with GPUs of the compute capabilities in CAPABILITIES
# ("75,86").
DRIVER = r"""
#include <stdlib.h>
#include <string.h>
static int nth(int number, int *major, int *minor) {
    char text[100], *word; int k = 0;
    strncpy(text, getenv("CAPABILITIES"), 99); text[99] = 0;
    for (word = strtok(text, ","); word; word = strtok(NULL, ","), k++)
        if (k == number) { *major = atoi(word) / 10; *minor = atoi(word) % 10; }
    return k;
}
int cuInit(unsigned flags) { return getenv("CAPABILITIES") ? 0 : 100; }
int cuDriverGetVersion(int *version) { *version = 12020; return 0; }
int cuDeviceGetCount(int *count) { int a, b; *count = nth(-1, &a, &b); return 0; }
int cuDeviceGet(int *device, int number) { *device = number; return 0; }
int cuDeviceGetAttribute(int *value, int attribute, int device) {
    int major = 0, minor = 0; nth(device, &major, &minor);
    *value = attribute == 75 ? major : minor; return 0;
}
"""


@pytest.fixture(scope="module")
def driver(tmp_path_factory):
    """A folder with a libcuda.so.1."""
    folder = tmp_path_factory.mktemp("driver")
    (folder / "driver.c").write_text(DRIVER)
    compiler = shutil.which("cc") or shutil.which("gcc")
    if not compiler:
        pytest.skip("needs a C compiler to build a stand-in for the GPU driver")
    subprocess.run(
        [compiler, "-shared", "-fPIC", "-o", folder / "libcuda.so.1", folder / "driver.c"],
        check=True,
    )
    return folder


@pytest.fixture(scope="module", autouse=True)
def place(tmp_path_factory):
    """A copy of what make setup needs, without a .venv."""
    folder = tmp_path_factory.mktemp("place")
    for name in ("requirements", "common"):
        shutil.copytree(ROOT / name, folder / name)
    install.place = folder
    return folder


def install(**environment):
    environment = {
        "PATH": "/usr/bin:/bin",
        "HOME": "/nowhere",
        "PYTHON": sys.executable,
        "DRY_RUN": "1",
        **environment,
    }
    done = subprocess.run(
        ["sh", "requirements/install.sh"],
        cwd=install.place,
        text=True,
        capture_output=True,
        env=environment,
    )
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    "capabilities, variant, words",
    [
        ("", "cpu", ""),
        ("75", "cu112", ""),
        ("86", "cu112", ""),
        ("89", "cu112", ""),
        ("50", "cu112", ""),
        ("90", "cpu", "9.0 (only 5.0 to 8.9, and no newer build exists): it will train on the CPU"),
        ("120", "cpu", "12.0 (only"),
        ("37", "cpu", "3.7 (only"),
        ("90,80", "cu112", "exists): it will use the others"),
    ],
)
def test_build_of_mxnet_follows_the_gpus_that_the_driver_shows(
    driver, capabilities, variant, words
):
    code, err = install(LD_LIBRARY_PATH=str(driver), CAPABILITIES=capabilities)
    assert code == 0 and f"MXNet for {variant}:" in err and words in err
    assert len(err.splitlines()) == 1 + bool(words)
    assert ("requirements/gpu.txt" in err) == (variant == "cu112")


def test_driver_that_does_not_start_is_no_gpu(driver):
    assert "MXNet for cpu:" in install(LD_LIBRARY_PATH=str(driver))[1]


def test_variant_overrules_what_is_found(driver):
    gpu = dict(LD_LIBRARY_PATH=str(driver), CAPABILITIES="86")
    assert (
        "MXNet for cpu:" in install(VARIANT="cpu", **gpu)[1]
        and "MXNet for cu112:" in install(VARIANT="cu112")[1]
    )
    code, err = install(VARIANT="rocm")
    assert code == 2 and err == "error: VARIANT=rocm: there are cpu and cu112\n"


def test_what_was_asked_for_is_remembered(place):
    (place / ".venv").mkdir()
    (place / ".venv" / "asked").write_text(f"PYTHON={sys.executable}\nVARIANT=cu112\n")
    try:
        assert (
            "MXNet for cu112:" in install()[1]
            and f"with {sys.executable} " in install(PYTHON="")[1]
        )
        assert "MXNet for cpu:" in install(VARIANT="cpu")[1]
    finally:
        shutil.rmtree(place / ".venv")


def test_driver_tells_its_version(driver):
    done = subprocess.run(
        [sys.executable, "-c", "from common import gpus; print(gpus.driver())"],
        cwd=ROOT,
        text=True,
        capture_output=True,
        env={"LD_LIBRARY_PATH": str(driver)},
    )
    assert done.stdout.strip().endswith("for CUDA 12.2")


def test_missing_python_is_one_line_with_a_remedy():
    code, err = install(PYTHON="no-such-python")
    assert (
        code == 2 and "MXNet 1.9.1 needs Python 3.8 to 3.13" in err and len(err.splitlines()) == 1
    )


def test_home_need_not_be_set():
    done = subprocess.run(
        ["sh", "requirements/install.sh"],
        cwd=install.place,
        text=True,
        capture_output=True,
        env={"PATH": "/usr/bin:/bin", "PYTHON": sys.executable, "DRY_RUN": "1"},
    )
    assert done.returncode == 0 and "setting up .venv with" in done.stderr


@pytest.fixture
def made(place):
    """made(script): a .venv whose Python is a shell script; `$@` is what it is called with."""
    version = "{}.{}".format(*sys.version_info)

    def write(script):
        python = place / ".venv" / "bin" / "python"
        python.parent.mkdir(parents=True)
        python.write_text(f"#!/bin/sh\n{script}\n")
        python.chmod(0o755)
        (place / ".venv" / "kind").write_text(f"{version} cpu\n")
        return place / ".venv"

    yield write
    shutil.rmtree(place / ".venv")


def test_pip_without_a_network_is_one_line_with_a_remedy(made):
    said = "WARNING: again\\nERROR: Could not find a version\\nERROR: No matching distribution"
    venv = made(f'case "$2" in pip) printf "{said}\\n" >&2; exit 1;; esac')
    code, err = install(DRY_RUN="")
    assert code == 2 and len(err.splitlines()) == 2, err
    assert "cannot be installed (ERROR: No matching distribution): mend that (is there a" in err
    assert "Could not find" in (venv / "pip.txt").read_text() and not (venv / "ready").exists()


def test_settings_of_other_pythons_do_not_reach_pip(made):
    venv = made("env >> .venv/seen")
    names = ("PYTHONPATH", "PYTHONHOME", "PYTHONSAFEPATH", "PIP_TARGET", "PIP_PREFIX")
    code, err = install(DRY_RUN="", PIP_USER="1", **dict.fromkeys(names, "/nowhere"))
    seen = (venv / "seen").read_text()
    assert code == 0 and (venv / "ready").exists(), err
    assert (
        "PIP_USER=0" in seen
        and "PYTHONNOUSERSITE=1" in seen
        and "/nowhere" not in seen.replace("HOME=/nowhere", "")
    )


def test_second_setup_waits_for_the_first(made, place):
    venv = made("true")
    with open(place / "requirements" / "install.sh") as first:
        fcntl.flock(first, fcntl.LOCK_EX)
        second = subprocess.Popen(
            ["sh", "requirements/install.sh"],
            cwd=place,
            text=True,
            stderr=subprocess.PIPE,
            env={"PATH": "/usr/bin:/bin", "PYTHON": sys.executable, "VARIANT": "cpu"},
        )
        assert "setting up" in second.stderr.readline()
        assert "another make setup is at work" in second.stderr.readline()
        assert not (venv / "ready").exists()
    second.communicate()
    assert second.returncode == 0 and (venv / "ready").exists()


def test_python_that_an_upgrade_took_away_is_set_up_anew(place):
    shutil.copy(ROOT / "Makefile", place)
    (place / ".venv" / "bin").mkdir(parents=True)
    try:
        (place / ".venv" / "ready").touch()
        for target, words in (("/bin/true", False), ("/nowhere/python3.9", True)):
            python = place / ".venv" / "bin" / "python"
            python.unlink(missing_ok=True)
            python.symlink_to(target)
            done = subprocess.run(
                ["make", "-n", "setup"], cwd=place, text=True, capture_output=True
            )
            assert ("requirements/install.sh" in done.stdout) == words, done.stdout + done.stderr
    finally:
        shutil.rmtree(place / ".venv")


def test_every_python_has_its_lock_and_all_pin_the_same_mxnet():
    locks = sorted((ROOT / "requirements").glob("python*.txt"))
    assert [lock.stem for lock in locks] == [f"python3.{minor}" for minor in (10, 11, 12, 13, 8, 9)]
    for lock in locks:
        lines = lock.read_text().splitlines()[1:]
        assert "mxnet==1.9.1" in lines and all("==" in line for line in lines)
    gpu = (ROOT / "requirements" / "gpu.txt").read_text()
    assert "mxnet-cu112==1.9.1" in gpu and "nvidia-cudnn-cu11==8." in gpu


def test_variant_is_by_the_best_gpu():
    assert (
        gpus.variant([(9, 0), (7, 0)]) == "cu112"
        and gpus.variant([(9, 0)]) == gpus.variant([]) == "cpu"
    )
