#!/bin/sh
# make setup: find a Python that MXNet 1.9.1 runs on, choose its build for the GPU that is here, make .venv, install the locked packages.
# docs/INSTALL.md has the reasons.
#   PYTHON=3.12             the Python to use: a version, a name or a path
#   VARIANT=cpu|cu112       the build of MXNet, whatever the driver shows
#   DRY_RUN=1               say what would be installed, and install nothing
set -eu
# What is set for a user's other Pythons must not reach this one.
unset PYTHONPATH PYTHONHOME PYTHONSAFEPATH PIP_TARGET PIP_PREFIX
export PYTHONNOUSERSITE=1 PIP_USER=0
# What was asked for is remembered, for the next time that the packages have changed.
asked=.venv/asked
if [ -f "$asked" ]; then
    PYTHON=${PYTHON:-$(sed -n 's/^PYTHON=//p' "$asked")}
    VARIANT=${VARIANT:-$(sed -n 's/^VARIANT=//p' "$asked")}
fi
remembered="PYTHON=${PYTHON:-}
VARIANT=${VARIANT:-}"
say() { printf '%s\n' "$*" >&2; }
stop() { say "error: $*"; exit 2; }

# Newest first among those that need nothing; then those that need common/compat.py. PATH, then what pyenv and uv have.
candidates() {
    case ${PYTHON:-} in
        "") versions="3.11 3.10 3.9 3.8 3.13 3.12" ;;
        3.[0-9]*) versions=$PYTHON ;;
        *) echo "$PYTHON"; return ;;
    esac
    for version in $versions; do
        echo "python$version"
        for folder in "${PYENV_ROOT:-${HOME:-/root}/.pyenv}/versions/$version".* \
                "${HOME:-/root}/.local/share/uv/python/cpython-$version".*; do
            echo "$folder/bin/python3"
        done
    done
    [ -n "${PYTHON:-}" ] || echo python3
}

found= version=
for candidate in $(candidates); do
    version=$("$candidate" -c 'import ensurepip, sys, venv; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || continue
    found="$found $candidate ($version)"
    [ -f "requirements/python$version.txt" ] && break
    version=
done
[ -n "$version" ] || stop "MXNet 1.9.1 needs Python 3.8 to 3.13 with venv; found:${found:- none${PYTHON:+ as $PYTHON}}. Install one (Debian:" \
    "apt install python3-venv; else pyenv or uv), or name it: make setup PYTHON=/path/to/python3.11"
[ "$(uname -sm)" = "Linux x86_64" ] || stop "MXNet 1.9.1 has packages for Linux on x86_64 only, and this is $(uname -sm): use such a" \
    "machine, or a container or virtual machine of that kind"

case ${VARIANT:=$("$candidate" common/gpus.py)} in
    cpu) lock=requirements/python$version.txt packages="$lock" ;;
    cu112) lock=requirements/python$version.txt packages="$lock without mxnet, requirements/gpu.txt (2.1 GB)" ;;
    *) stop "VARIANT=$VARIANT: there are cpu and cu112" ;;
esac
say "setting up .venv with $candidate ($version), MXNet for $VARIANT: $packages"
[ -z "${DRY_RUN:-}" ] || exit 0

# two at once would each take the other's half made .venv away
if command -v flock >/dev/null; then
    exec 9< requirements/install.sh
    flock -n 9 || { say "another make setup is at work here: waiting for it"; flock 9; }
fi

# mxnet and mxnet-cu112 own the same files, so a change between them needs a new folder; otherwise runs may be using this one.
kind="$version $VARIANT"
if [ "$(cat .venv/kind 2>/dev/null)" != "$kind" ] || ! .venv/bin/python -c '' 2>/dev/null; then
    rm -rf .venv
    "$candidate" -m venv .venv
    echo "$kind" > .venv/kind
fi
echo "$remembered" > "$asked"
pip() {
    .venv/bin/python -m pip --disable-pip-version-check -qq "$@" 2> .venv/pip.txt ||
        stop "the packages cannot be installed ($(grep -i error .venv/pip.txt | tail -n 1)): mend that (is there a network? pip's own" \
            "settings name other servers), and the same command goes on; all that pip said is in .venv/pip.txt"
}
if [ "$VARIANT" = cu112 ]; then
    grep -v '^mxnet==' "$lock" > .venv/lock.txt
    pip install --no-deps -r .venv/lock.txt -r requirements/gpu.txt
    # libmxnet.so looks for its libraries beside itself
    site=$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])')
    ln -sf "$site"/nvidia/*/lib/lib*.so* "$site/mxnet/"
else
    pip install --no-deps -r "$lock"
fi
pip install -r requirements/dev.txt

if ! .venv/bin/python -W ignore -c 'import training, mxnet' 2> .venv/import.txt; then
    say "error: MXNet is installed but does not start: $(tail -n 1 .venv/import.txt)"
    grep -Eq 'libgomp|libquadmath' .venv/import.txt && say "remedy: apt install libgomp1 libquadmath0"
    grep -q 'libcuda' .venv/import.txt && say "remedy: install the NVIDIA driver, or make setup VARIANT=cpu"
    exit 2
fi
touch .venv/ready
