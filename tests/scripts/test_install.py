"""make setup chooses a Python and a build of MXNet for this machine and reports failures in one line."""

import fcntl
import os
import shutil
import subprocess
import sys

import pytest
from conftest import ROOT
from packaging.requirements import Requirement

# A stand-in for the driver's library. CAPABILITIES lists the GPUs' compute capabilities ("75,86").
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
    """A folder with libcuda.so.1."""
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


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A copy of what make setup reads, without .venv."""
    folder = tmp_path_factory.mktemp("place")
    for name in ("requirements", "common"):
        shutil.copytree(ROOT / name, folder / name)
    shutil.copy(ROOT / "Makefile", folder)
    return folder


@pytest.fixture
def install(place):
    """install(NAME="value") -> (exit code, standard error) of install.sh, by default a dry run."""

    def call(**environment):
        paths = {"PATH": "/usr/bin:/bin", "HOME": "/nowhere"}
        done = subprocess.run(
            ["sh", "requirements/install.sh"],
            cwd=place,
            text=True,
            capture_output=True,
            env={**paths, "PYTHON": sys.executable, "DRY_RUN": "1", **environment},
        )
        return done.returncode, done.stderr

    return call


@pytest.fixture
def venv(place):
    """venv(script): creates .venv, whose Python is a shell script; `$@` are its arguments."""
    folder = place / ".venv"

    def create(script="true"):
        python = folder / "bin" / "python"
        python.parent.mkdir(parents=True)
        python.write_text(f"#!/bin/sh\n{script}\n")
        python.chmod(0o755)
        (folder / "kind").write_text("{}.{} cpu\n".format(*sys.version_info))
        (folder / "asked").write_text("PYTHON=\nVARIANT=cpu\n")  # also on a machine with a GPU
        return folder

    yield create
    shutil.rmtree(folder)


@pytest.mark.parametrize(
    "where, name",
    [
        ("my python/python3", "{home}/my python/python3"),
        ("my python/python3", "~/my python/python3"),
        (".pyenv/versions/3.9.99/bin/python3", "3.9.99"),
        (".pyenv/versions/3.9.99/bin/python3", "3.9"),
        (".local/share/uv/python/cpython-3.9.99-linux/bin/python3", "3.9.99"),
    ],
)
def test_python_is_found_by_path_and_version(install, tmp_path, where, name):
    path = tmp_path / where
    path.parent.mkdir(parents=True)
    path.write_text("#!/bin/sh\necho 3.9\n")
    path.chmod(0o755)
    installed = tmp_path / "bin" / "python3.9"  # the machine's own, without venv
    installed.parent.mkdir()
    installed.write_text("#!/bin/sh\nexit 1\n")
    installed.chmod(0o755)
    home = {"HOME": str(tmp_path), "PATH": f"{installed.parent}:/usr/bin:/bin", "VARIANT": "cpu"}
    code, err = install(**home, PYTHON=name.format(home=tmp_path))
    assert code == 0 and f"with {path} (3.9)" in err, err


@pytest.mark.parametrize(
    "capabilities, variant, message",
    [
        ("", "cpu", ""),
        ("50", "cu112", ""),
        ("75", "cu112", ""),
        ("86", "cu112", ""),
        ("89", "cu112", ""),
        ("37", "cpu", "3.7"),
        ("90", "cpu", "9.0"),
        ("120", "cpu", "12.0"),
        ("90,80", "cu112", "9.0"),
    ],
)
def test_build_of_mxnet_fits_the_gpus(driver, install, capabilities, variant, message):
    code, err = install(LD_LIBRARY_PATH=str(driver), CAPABILITIES=capabilities)
    assert code == 0 and f"MXNet for {variant}:" in err and message in err
    assert len(err.splitlines()) == 1 + bool(message)
    assert ("requirements/gpu.txt" in err) == (variant == "cu112")


def test_variant_overrules_the_driver(driver, install):
    gpu = dict(LD_LIBRARY_PATH=str(driver), CAPABILITIES="86")
    assert "MXNet for cpu:" in install(VARIANT="cpu", **gpu)[1]
    assert "MXNet for cu112:" in install(VARIANT="cu112")[1]
    code, err = install(VARIANT="rocm")
    assert code == 2 and "VARIANT=rocm" in err and "cpu or cu112" in err


def test_settings_are_stored_for_the_next_setup(venv, install):
    (venv() / "asked").write_text(f"PYTHON={sys.executable}\nVARIANT=cu112\n")
    assert "MXNet for cu112:" in install()[1]
    assert f"with {sys.executable} " in install(PYTHON="")[1]
    assert "MXNet for cpu:" in install(VARIANT="cpu")[1]


def test_missing_python_is_one_line_with_a_remedy(install):
    code, err = install(PYTHON="no-such-python")
    assert code == 2 and len(err.splitlines()) == 1
    assert "Python 3.8 to 3.13" in err and "make setup PYTHON=" in err


def test_pip_without_a_network_is_one_line_with_a_remedy(venv, install):
    output = "WARNING: again\\nERROR: Could not find a version\\nERROR: No matching distribution"
    folder = venv(f'case "$2" in pip) printf "{output}\\n" >&2; exit 1;; esac')
    code, err = install(DRY_RUN="")
    assert code == 2 and len(err.splitlines()) == 2, err
    assert "cannot be installed (ERROR: No matching distribution): check the network" in err
    assert "Could not find" in (folder / "pip.txt").read_text() and not (folder / "ready").exists()


@pytest.mark.parametrize(
    "library, remedy",
    [("libgomp.so.1", "apt install libgomp1"), ("libcuda.so.1", "install the NVIDIA driver")],
)
def test_missing_library_has_a_remedy(venv, install, library, remedy):
    venv(f'case "$*" in *mxnet) echo "OSError: {library}: cannot open" >&2; exit 1;; esac')
    code, err = install(DRY_RUN="")
    assert code == 2 and f"does not start: OSError: {library}" in err and f"remedy: {remedy}" in err


def test_settings_of_other_pythons_do_not_reach_pip(venv, install):
    folder = venv("env >> .venv/seen")
    names = ("PYTHONPATH", "PYTHONHOME", "PYTHONSAFEPATH", "PIP_TARGET", "PIP_PREFIX")
    code, err = install(DRY_RUN="", PIP_USER="1", **dict.fromkeys(names, "/elsewhere"))
    assert code == 0 and (folder / "ready").exists(), err
    seen = (folder / "seen").read_text()
    assert "PIP_USER=0" in seen and "PYTHONNOUSERSITE=1" in seen and "/elsewhere" not in seen


def test_environment_of_the_user_is_not_deleted(venv, install):
    folder = venv()
    (folder / "kind").unlink()
    (folder / "pyvenv.cfg").touch()
    code, err = install(DRY_RUN="")
    assert code == 2 and "move it away" in err.splitlines()[-1], err
    assert (folder / "bin" / "python").exists()


def test_cuda_build_finds_its_libraries_after_a_move(venv, install, place):
    site = place / ".venv" / "site"
    folder = venv(f'case "$*" in *purelib*) echo {site};; esac')
    (folder / "kind").write_text("{}.{} cu112\n".format(*sys.version_info))
    library = site / "nvidia" / "cublas" / "lib" / "libcublas.so.11"
    for parent in (library.parent, site / "mxnet"):
        parent.mkdir(parents=True)
    library.touch()
    code, err = install(DRY_RUN="", VARIANT="cu112")
    assert code == 0, err
    link = os.readlink(site / "mxnet" / library.name)
    assert link == "../nvidia/cublas/lib/libcublas.so.11"


def test_second_setup_waits_for_the_first(venv, place):
    folder = venv()
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
        assert "another make setup is running" in second.stderr.readline()
        assert not (folder / "ready").exists()
    second.communicate()
    assert second.returncode == 0 and (folder / "ready").exists()


@pytest.mark.parametrize("target, runs", [("/bin/true", False), ("/nowhere/python3.9", True)])
def test_removed_python_leads_to_a_new_setup(venv, place, target, runs):
    folder = venv()
    (folder / "bin" / "python").unlink()
    (folder / "bin" / "python").symlink_to(target)
    (folder / "ready").touch()
    done = subprocess.run(["make", "-n", "setup"], cwd=place, text=True, capture_output=True)
    assert ("requirements/install.sh" in done.stdout) == runs, done.stdout + done.stderr


def locked(python):
    """{package: version} that the lock file installs on a version of Python."""
    pins = {}
    for line in (ROOT / "requirements" / "lock.txt").read_text().splitlines()[1:]:
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate({"python_version": python}):
            assert requirement.name not in pins, f"{requirement.name} has two versions on {python}"
            pins[requirement.name] = str(requirement.specifier)
    return pins


@pytest.mark.parametrize("minor", range(8, 14))
def test_lock_file_pins_each_package_once_on_each_python(minor):
    pins = locked(f"3.{minor}")
    assert pins["mxnet"] == "==1.9.1" and set(locked("3.11")) <= set(pins)
    assert pins["numpy"] == {12: "==1.26.4", 13: "==2.2.6"}.get(minor, "==1.23.5")
    assert all(version.startswith("==") for version in pins.values())
