#!/bin/sh
# make setup: find a Python that MXNet 1.9.1 runs on, make .venv, install the locked packages. docs/INSTALL.md has the reasons.
set -eu
say() { printf '%s\n' "$*" >&2; }

found=
for candidate in ${PYTHON_FOR_VENV:-python3.11 python3.10 python3.9 python3.8 python3 python}; do
    version=$("$candidate" -c 'import ensurepip, sys, venv; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || continue
    found="$found $candidate ($version)"
    [ -f "requirements/python$version.txt" ] && break
    version=
done
if [ -z "${version:-}" ]; then
    say "error: MXNet 1.9.1 needs Python 3.8, 3.9, 3.10 or 3.11 with venv; found:${found:- none}. Install one (Debian: apt install" \
        "python3-venv; else pyenv or uv), or name it: make setup PYTHON_FOR_VENV=/path/to/python3.11"
    exit 2
fi
lock=requirements/python$version.txt

# MXNet's CUDA build has code for compute capability 5.0 to 8.9 and nothing later.
gpu=${GPU:-$(nvidia-smi --query-gpu=compute_cap --format=csv,noheader 2>/dev/null | awk '$1 >= 5 && $1 < 9 { print 1; exit }')}

[ "$gpu" = 0 ] && gpu=
say "setting up .venv with $candidate ($version)${gpu:+ and CUDA}: about a minute"
# mxnet and mxnet-cu112 own the same files, so a change between them needs a new folder; otherwise runs may be using this one.
kind="$version ${gpu:-0}"
if [ "$(cat .venv/kind 2>/dev/null)" != "$kind" ]; then
    rm -rf .venv
    "$candidate" -m venv .venv
    echo "$kind" > .venv/kind
fi
pip() { .venv/bin/python -m pip --disable-pip-version-check -qq "$@"; }
if [ -n "$gpu" ]; then
    grep -v '^mxnet==' "$lock" > .venv/lock.txt
    pip install --no-deps -r .venv/lock.txt -r requirements/gpu.txt
    # libmxnet.so looks for its libraries beside itself
    site=$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])')
    ln -sf "$site"/nvidia/*/lib/lib*.so* "$site/mxnet/"
else
    pip install --no-deps -r "$lock"
fi
pip install -r requirements/dev.txt

if ! .venv/bin/python -W ignore -c 'import mxnet' 2> .venv/import.txt; then
    say "error: MXNet is installed but does not start: $(tail -n 1 .venv/import.txt)"
    grep -Eq 'libgomp|libquadmath' .venv/import.txt && say "remedy: apt install libgomp1 libquadmath0"
    grep -q 'libcuda' .venv/import.txt && say "remedy: install the NVIDIA driver, or make setup GPU=0"
    exit 2
fi
touch .venv/ready
