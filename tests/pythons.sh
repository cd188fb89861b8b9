#!/bin/sh
# make test-pythons: a fresh copy of the project for each Python from 3.8 to 3.13 that is here: make setup, train, resume, draw.
set -u
cd "$(dirname "$0")/.."
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
failed=0
for version in 3.8 3.9 3.10 3.11 3.12 3.13; do
    DRY_RUN=1 PYTHON=$version VARIANT=cpu sh requirements/install.sh 2>/dev/null || { echo "Python $version: not on this machine"; continue; }
    copy=$folder/$version
    mkdir "$copy"
    git ls-files -z | xargs -0 tar -c | tar -x -C "$copy"
    log=$copy/log.txt
    small="ITERATIONS=40 BATCH=16 SCALE=demo"
    if (cd "$copy" && make setup PYTHON=$version VARIANT=cpu && make cifar10-preact8 $small && make cifar10-dropout8 $small &&
        make cifar10-preact8 $small | grep finished && make plots && .venv/bin/python -m pytest -q tests/symbols/test_reference.py) >"$log" 2>&1 &&
        [ -s "$copy/runs/demo/cifar10-preact8/seed0/curves.png" ]; then
        echo "Python $version: set up, trained, drawn; $(tail -n 1 "$log")"
    else
        echo "Python $version: FAILED: $(tail -n 1 "$log")"
        failed=1
    fi
done
exit $failed
