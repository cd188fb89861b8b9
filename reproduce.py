#!/usr/bin/env python
"""Train what a table or figure of the paper still lacks, then draw it.

    make table1 SCALE=pocket          # the usual way; make -j2 trains two networks at once
    python reproduce.py table1 --scale pocket --jobs 2

It says first what it will run, how long that takes here, and how much memory. A run that was stopped goes on; a run that diverges
is a result; a run that fails is named at the end and stops no other.
"""
import argparse
import json
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import experiments
from data import download
from errors import UserError, run
from plots import panels, runs, tables
from training.environment import physical_cores

ROOT = Path(__file__).resolve().parent


def options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False)
    parser.add_argument("what", nargs="+", help=", ".join([*experiments.TABLES, *experiments.FIGURES]))
    parser.add_argument("--scale", default="full", help=", ".join(experiments.SCALES))
    parser.add_argument("--seeds", default="0", help="as 0,1,2; the paper has five (0)")
    parser.add_argument("--jobs", type=int, default=1, help="runs at once, each on its share of the cores or GPUs (1)")
    parser.add_argument("--gpus", default="", help="as 0,1")
    parser.add_argument("--data-dir", help="folder with CIFAR; by default it is downloaded")
    parser.add_argument("--draw-only", action="store_true", help="train nothing")
    return parser


class Job:
    """One experiment with one seed."""

    def __init__(self, experiment, seed, arguments):
        self.experiment, self.seed, self.scale = experiment, seed, arguments.scale
        self.folder = runs.RESULTS / arguments.scale / experiment.name / f"seed{seed}"
        self._data = ["--data-dir", arguments.data_dir] if arguments.data_dir else []
        self.options = [*experiment.command, *experiments.scale_options(arguments.scale), *self._data, "--seed", str(seed),
                        "--scale", arguments.scale, "--output", str(self.folder.relative_to(ROOT))]

    def __str__(self):
        return f"{self.experiment.name} seed {self.seed}"

    @property
    def done(self):
        """Share of its iterations that its log has: 1 is finished."""
        try:
            there = runs.read(self.folder)
        except UserError:
            return 0
        return 1 if runs.is_whole(there) else min(0.999, there.rows[-1]["iteration"] / there.config["recipe"]["iterations"])


def plan(jobs, arguments):
    """Print what will run, how long it will take here and how much memory; measured once for each depth and kind of unit."""
    measured, seconds, memory = {}, 0, []
    share = {"OMP_NUM_THREADS": str(max(1, physical_cores() // arguments.jobs))}
    print(f"{len(jobs)} runs at scale {arguments.scale}:")
    for job in jobs:
        kind = (job.experiment.depth, job.experiment.unit, job.experiment.options)
        if kind not in measured:
            done = subprocess.run([sys.executable, "-W", "ignore", "-m", "benchmarks.cost", *job.options], cwd=ROOT, text=True,
                                  capture_output=True, env={**os.environ, **share})
            if done.returncode:
                raise UserError(f"{job} cannot be measured: {(done.stderr.strip().splitlines() or ['?'])[-1]}")
            measured[kind] = json.loads(done.stdout.splitlines()[-1])
        cost = measured[kind]
        rest = cost["seconds"] * (1 - job.done)
        seconds += rest
        memory.append(cost["megabytes"])
        there = f"  ({job.done:.0%} is there)" if job.done else ""
        print(f"  {str(job):<58} {_clock(rest):>8}  {cost['megabytes']:,.0f} MB{there}")
    together, time = sum(sorted(memory)[-arguments.jobs:]), _clock(seconds / min(arguments.jobs, len(jobs)))
    print(f"in all about {time} and at most {together:,.0f} MB, {arguments.jobs} at once", flush=True)


def _clock(seconds):
    return f"{seconds / 3600:.1f} h" if seconds > 5400 else f"{seconds / 60:.0f} min"


def train(jobs, arguments):
    """Run all jobs; the names of those that failed. Each of several has an equal share of cores or GPUs."""
    gpus = arguments.gpus.split(",") if arguments.gpus else []
    slots = [gpus[i::arguments.jobs] for i in range(arguments.jobs)]
    if gpus and not all(slots):
        raise UserError(f"--jobs {arguments.jobs} on {len(gpus)} GPUs: at most one run a GPU")
    free, lock, failed, stopped = list(slots), threading.Lock(), [], []

    def work(job):
        if stopped:
            return
        with lock:
            slot = free.pop()
        command = [sys.executable, "-W", "ignore", "train_cifar.py", *job.options, *(["--gpus", ",".join(slot)] if slot else [])]
        environment = {**os.environ, "OMP_NUM_THREADS": str(max(1, physical_cores() // arguments.jobs))}
        if arguments.jobs == 1:
            code = subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode
        else:  # several progress bars on one screen are none
            print(f"begins: {job}", flush=True)
            job.folder.mkdir(parents=True, exist_ok=True)
            with open(job.folder / "output.txt", "w") as output:
                code = subprocess.run(command, cwd=ROOT, env=environment, check=False, stdout=output, stderr=output).returncode
            print(f"{'ends' if code == 0 else 'FAILED'}: {job}", flush=True)
        with lock:
            free.append(slot)
        if code in (130, 143, -2, -15):
            stopped.append(job)
        elif code:
            where = f": see {os.path.relpath(job.folder / 'output.txt')}" if arguments.jobs > 1 else ""
            failed.append(f"{job}, exit code {code}{where}")

    with ThreadPoolExecutor(arguments.jobs) as pool:
        try:
            list(pool.map(work, jobs))
        except KeyboardInterrupt:  # the runs have had it too, and write their checkpoints
            stopped.append(None)
    return failed, bool(stopped)


def main():
    arguments = options().parse_args()
    try:
        seeds = [int(seed) for seed in arguments.seeds.split(",")]
    except ValueError:
        raise UserError(f"--seeds {arguments.seeds}: write numbers with commas between them, as 0,1,2") from None
    experiments.scale_options(arguments.scale)
    chosen = {each.name: each for what in arguments.what for each in experiments.experiments_of(what)}
    jobs = [Job(each, seed, arguments) for seed in seeds for each in chosen.values()]
    left = [job for job in jobs if job.done < 1]
    failed, stopped = [], False
    if left and not arguments.draw_only:
        for dataset in sorted({job.experiment.dataset for job in left}):  # once, before several runs ask for it
            if not arguments.data_dir and "--data-dir" not in experiments.SCALES[arguments.scale]:
                download.fetch(dataset, ROOT / "data")
        plan(left, arguments)
        failed, stopped = train(left, arguments)
    for what in arguments.what:
        (tables if what in experiments.TABLES else panels).draw(what, arguments.scale)
    for each in failed:
        print(f"failed: {each}", file=sys.stderr)
    if stopped:
        print("stopped; the same command goes on", file=sys.stderr)
    return 130 if stopped else bool(failed)


if __name__ == "__main__":
    run(main)
