#!/bin/sh
# make setup: choose a Python and a build of MXNet 1.9.1, create .venv, and install the locked packages. docs/INSTALL.md gives the reasons.
#   PYTHON=3.12             the Python to use: a version, a name or a path
#   VARIANT=cpu|cu112       the build of MXNet (default: the build that fits the GPUs of this machine)
#   DRY_RUN=1               print what would be installed, and install nothing
set -eu
# Settings for other Pythons must not affect this one.
unset PYTHONPATH PYTHONHOME PYTHONSAFEPATH PIP_TARGET PIP_PREFIX
export PYTHONNOUSERSITE=1 PIP_USER=0
say() { printf '%s\n' "$*" >&2; }
stop() { say "error: $*"; exit 2; }

# PYTHON and VARIANT are stored in .venv for the next setup, when the packages have changed.
stored=.venv/asked
if [ -f "$stored" ]; then
    PYTHON=${PYTHON:-$(sed -n 's/^PYTHON=//p' "$stored")}
    VARIANT=${VARIANT:-$(sed -n 's/^VARIANT=//p' "$stored")}
fi
settings="PYTHON=${PYTHON:-}
VARIANT=${VARIANT:-}"

# Versions that need no common/compat.py come first. The places are PATH, pyenv's folder and uv's folder.
candidates() {
    unset IFS
    case ${PYTHON:-} in
        "") versions="3.11 3.10 3.9 3.8 3.13 3.12" ;;
        3.[0-9]*) versions=$PYTHON ;;
        "~/"*) echo "$HOME/${PYTHON#"~/"}"; return ;;
        *) echo "$PYTHON"; return ;;
    esac
    home=${HOME:-/root}
    for version in $versions; do
        echo "python$version"
        pyenv=${PYENV_ROOT:-$home/.pyenv}/versions/$version
        for folder in "$pyenv" "$pyenv".* "$home/.local/share/uv/python/cpython-$version"[.-]*; do
            echo "$folder/bin/python3"
        done
    done
    [ -n "${PYTHON:-}" ] || echo python3
}

tried= version=
IFS='
' # a path can have spaces
for candidate in $(candidates); do
    version=$("$candidate" -c 'import ensurepip, sys, venv; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || continue
    tried="$tried $candidate ($version)"
    case $version in 3.8 | 3.9 | 3.10 | 3.11 | 3.12 | 3.13) break ;; esac
    version=
done
unset IFS
[ -n "$version" ] || stop "MXNet 1.9.1 needs Python 3.8 to 3.13 with venv; found:${tried:- none${PYTHON:+ as $PYTHON}}. Install one (Debian:" \
    "apt install python3-venv; else pyenv or uv), or name it: make setup PYTHON=/path/to/python3.11"
[ "$(uname -sm)" = "Linux x86_64" ] || stop "MXNet 1.9.1 has packages for Linux on x86_64 only, and this machine is $(uname -sm): use" \
    "such a machine, container or virtual machine"

lock=requirements/lock.txt
case ${VARIANT:=$("$candidate" common/gpus.py)} in
    cpu) packages=$lock ;;
    cu112) packages="$lock without mxnet, requirements/gpu.txt (2.1 GB)" ;;
    *) stop "VARIANT=$VARIANT is unknown: use cpu or cu112" ;;
esac
say "setting up .venv with $candidate ($version), MXNet for $VARIANT: $packages"
[ -z "${DRY_RUN:-}" ] || exit 0

# Two setups at the same time would delete each other's .venv.
if command -v flock >/dev/null; then
    exec 9< requirements/install.sh
    flock -n 9 || { say "another make setup is running here: waiting for it"; flock 9; }
fi

# mxnet and mxnet-cu112 own the same files, so another build or Python needs a new folder. Otherwise runs may be using the folder.
kind="$version $VARIANT"
if [ "$(cat .venv/kind 2>/dev/null)" != "$kind" ] || ! .venv/bin/python -c '' 2>/dev/null; then
    # the candidate itself can be in .venv
    candidate=$("$candidate" -c 'import os, sys; print(os.path.realpath(sys.executable))')
    [ ! -e .venv/pyvenv.cfg ] || [ -e .venv/kind ] || stop ".venv is not from make setup: move it away, and run the command again"
    rm -rf .venv
    mkdir .venv
    echo incomplete > .venv/kind
    "$candidate" -m venv .venv
    echo "$kind" > .venv/kind
fi
echo "$settings" > "$stored"
pip() {
    .venv/bin/python -m pip --disable-pip-version-check -qq "$@" 2> .venv/pip.txt ||
        stop "the packages cannot be installed ($(grep -i error .venv/pip.txt | tail -n 1)): check the network (pip's own settings" \
            "name other servers) and run the command again; pip's complete output is in .venv/pip.txt"
}
# The pip of Python 3.8 in some systems (Ubuntu 20.04) is too old for the packages. A newer one is kept, without a network.
pip install 'pip>=20.3'
if [ "$VARIANT" = cu112 ]; then
    grep -v '^mxnet==' "$lock" > .venv/lock.txt
    pip install --no-deps -r .venv/lock.txt -r requirements/gpu.txt
    # libmxnet.so searches for its libraries in its own folder; relative links survive a move of the project
    site=$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])')
    (cd "$site/mxnet" && ln -sf ../nvidia/*/lib/lib*.so* .)
else
    pip install --no-deps -r "$lock"
fi
pip install -c "$lock" -r requirements/dev.txt

if ! .venv/bin/python -W ignore -c 'import training, mxnet' 2> .venv/import.txt; then
    say "error: MXNet is installed but does not start: $(tail -n 1 .venv/import.txt)"
    grep -Eq 'libgomp|libquadmath' .venv/import.txt && say "remedy: apt install libgomp1 libquadmath0"
    grep -q 'libcuda' .venv/import.txt && say "remedy: install the NVIDIA driver, or make setup VARIANT=cpu"
    exit 2
fi
touch .venv/ready
