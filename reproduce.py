#!/usr/bin/env python
"""Train what a table or figure of the paper still lacks, then draw it.

    make table1 SCALE=pocket          # the usual way; make -j2 trains two networks at once
    python reproduce.py table1 --scale pocket --jobs 2

It shows first what is there already, then says what it will run, how long that takes here, and how
much memory. A run that was stopped goes on; a run that diverges is a result; a run that fails is
named at the end and stops no other.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from common.command import Parser, folder
from common.environment import GIVEN, physical_cores
from common.errors import UserError, run_main
from common.files import ROOT
from common.screen import survive
from data import download
from paper import experiments, queue, scales, search
from paper.jobs import Job
from plots.named import DRAW, has_runs
from training.options import gpu_numbers

# exit codes of a run that was told to stop, and can go on
STOPPED = (75, 129, 130, 143, -signal.SIGINT, -signal.SIGTERM)
QUEUE = "queue"
TRAIN = [sys.executable, "-W", "ignore", "train_cifar.py"]


def options():
    parser = Parser(__doc__)
    parser.add_argument(
        "what",
        nargs="+",
        help=", ".join([*experiments.TABLES, *experiments.FIGURES, experiments.SEARCH])
        + f"; {QUEUE}: what we publish",
    )
    parser.add_argument("--scale", default="full", help=", ".join(scales.SCALES))
    parser.add_argument(
        "--seeds", default="0", help=f"as 0,1,2; the paper has {experiments.PAPER_SEEDS} (0)"
    )
    parser.add_argument(
        "--jobs",
        type=int,
        help="runs at once, each on its share of the cores or GPUs "
        "(below full scale, without GPUs: one a core; else 1)",
    )
    parser.add_argument("--gpus", default="", help="as 0,1")
    parser.add_argument(
        "--data-dir", type=folder, help="folder with CIFAR; by default it is downloaded"
    )
    return parser


def jobs_here(arguments):
    """How many runs at once: small pictures leave a second thread little to do, so each core trains
    its own.
    """
    if arguments.gpus or (arguments.scale == "full" and arguments.what != [QUEUE]):
        return 1
    return physical_cores()


def share(arguments):
    """The environment of one of several runs: its part of the cores, unless the user says
    otherwise.
    """
    return {"OMP_NUM_THREADS": str(max(1, physical_cores() // arguments.jobs)), **GIVEN}


def plan(jobs, slots, arguments):
    """Print what will run, how long that takes here, when it ends and how much memory, measured for
    each kind of job.
    """
    measured = {}
    memory = []
    ends = [0.0] * arguments.jobs  # in seconds from now, of the slots
    why = (
        " (one thread each: faster than one after the other; make -j1: one)"
        if (arguments.jobs == jobs_here(arguments) > 1)
        else ""
    )
    print(f"{len(jobs)} runs, {arguments.jobs} at once{why}:")
    for job in jobs:
        if job.kind not in measured:
            measured[job.kind] = _cost(job, slots[0], arguments)
        cost = measured[job.kind]
        if cost is None:
            continue
        done = job.done
        rest = cost["seconds"] * (1 - done)
        slot = ends.index(min(ends))
        ends[slot] += rest
        memory.append(cost["megabytes"])
        there = f", {done:.0%} is there" if done else ""
        gpu = f", {cost['gpu_megabytes']:,.0f} MB on each GPU" if "gpu_megabytes" in cost else ""
        end = time.strftime("%a %H:%M", time.localtime(time.time() + ends[slot]))
        print(
            f"  {str(job):<58} {_clock(rest):>8}, ends {end}, {cost['megabytes']:,.0f} "
            f"MB{gpu}{there}"
        )
    together = sum(sorted(memory)[-arguments.jobs :])
    print(
        f"in all about {_clock(max(ends))} and at most {together:,.0f} MB, {arguments.jobs} at "
        "once",
        flush=True,
    )


def _cost(job, slot, arguments):
    """What a run of this kind takes here, as --cost measures it; None where that fails."""
    done = subprocess.run(
        [*TRAIN, *job.options, *slot, "--cost-json"],
        cwd=ROOT,
        text=True,
        capture_output=True,
        env=share(arguments),
    )
    if done.returncode:  # the run itself will tell why
        print(
            f"  {str(job):<58}  cannot be measured: "
            f"{(done.stderr.strip().splitlines() or ['no memory?'])[-1]}"
        )
        return None
    return json.loads(done.stdout.splitlines()[-1])


def _clock(seconds):
    return f"{seconds / 3600:.1f} h" if seconds > 5400 else f"{seconds / 60:.0f} min"


def train(jobs, slots, arguments):
    """Run all jobs; the names of those that failed.

    Each of several has an equal share of cores or GPUs.
    """
    free, lock, failed, stopped, running = list(slots), threading.Lock(), [], [], []

    # SIGTERM reaches this process alone: hand it on, so that the runs write their checkpoints
    def stop(number, frame):
        stopped.append(None)
        for process in running:
            process.terminate()

    signal.signal(signal.SIGTERM, stop)

    def work(job):
        if stopped:
            return
        with lock:
            slot = free.pop()
        command = [*TRAIN, *job.options, *slot]

        def call(output):
            process = subprocess.Popen(
                command, cwd=ROOT, env=share(arguments), stdout=output, stderr=output
            )
            running.append(process)
            code = process.wait()
            running.remove(process)
            return code

        if arguments.jobs == 1:
            code = call(None)
        else:  # several progress bars on one screen are none
            print(f"begins: {job}", flush=True)
            try:
                job.folder.mkdir(parents=True, exist_ok=True)
                with open(job.folder / "output.txt", "w") as output:
                    code = call(output)
            except OSError as error:
                code = f"{error.strerror}: {error.filename}"
            print(
                f"{'ends' if code == 0 else 'stopped' if code in STOPPED else 'FAILED'}: {job}",
                flush=True,
            )
        with lock:
            free.append(slot)
        if code in STOPPED:
            stopped.append(job)
        elif code:
            output = os.path.relpath(job.folder / "output.txt")
            where = f": see {output}" if arguments.jobs > 1 else ""
            failed.append(
                f"{job}, exit code {code}{where}" if isinstance(code, int) else f"{job}, {code}"
            )

    with ThreadPoolExecutor(arguments.jobs) as pool:
        try:
            list(pool.map(work, jobs))
        except KeyboardInterrupt:  # the runs have had it too, and write their checkpoints
            stopped.append(None)
    return failed, bool(stopped)


def main():
    survive("stdout")
    arguments = options().parse_args()
    try:
        seeds = [int(seed) for seed in arguments.seeds.split(",")]
    except ValueError:
        raise UserError(
            f"--seeds {arguments.seeds}: write numbers with commas between them, as 0,1,2"
        ) from None
    if arguments.jobs is None:
        arguments.jobs = jobs_here(arguments)
    if arguments.jobs < 1:
        raise UserError(f"--jobs {arguments.jobs}: at least 1")
    gpus = list(map(str, gpu_numbers(arguments.gpus)))
    if len(gpus) % arguments.jobs:
        raise UserError(
            f"--jobs {arguments.jobs} on {len(gpus)} GPUs: each run needs as many of them as the "
            "others"
        )
    slots = [
        ["--gpus", ",".join(gpus[i :: arguments.jobs])] if gpus else []
        for i in range(arguments.jobs)
    ]
    if arguments.what == [QUEUE]:
        return report(*work_off(slots, arguments))
    chosen = []
    for what in arguments.what:
        chosen += experiments.experiments_of(what)
    jobs = missing(chosen, seeds, arguments)
    if jobs:  # hours of training: what is there is shown before them
        for what in arguments.what:
            if has_runs(what, arguments.scale):
                DRAW[what](what, arguments.scale)
    failed, stopped = complete(jobs, slots, arguments)
    if (
        experiments.SEARCH in arguments.what
        and not failed
        and not stopped
        and search.best(arguments.scale)
    ):
        best = missing([search.best(arguments.scale)], seeds, arguments)
        failed, stopped = complete(best, slots, arguments)
    for what in arguments.what:
        DRAW[what](what, arguments.scale)
    return report(failed, stopped)


def report(failed, stopped):
    """Name what failed; the exit code."""
    for job in failed:
        print(f"failed: {job}", file=sys.stderr)
    if stopped:
        print("stopped; the same command goes on", file=sys.stderr)
    return 130 if stopped else bool(failed)


def work_off(slots, arguments):
    """Train the published runs that are missing, at the lowest priority: (those that failed,
    whether it was stopped).
    """
    os.nice(19)
    jobs = [Job(*planned, arguments.data_dir, published=True) for planned in queue.planned()]
    jobs = [job for job in jobs if job.done < 1]
    if not jobs:
        print("every published run is there")
        return [], False
    plan(jobs, slots, arguments)
    return train(jobs, slots, arguments)


def missing(chosen, seeds, arguments):
    """The runs of experiments that are to be trained; says which are left out, and why."""
    own_data = scales.scale_named(arguments.scale).data
    jobs = [
        Job(each, arguments.scale, seed, arguments.data_dir) for seed in seeds for each in chosen
    ]
    # several tables have one network, several depths one at a small scale
    jobs = list({job.folder: job for job in jobs}.values())
    for job in jobs:
        # weeks on several GPUs each, of data that must be prepared first: nothing that a table
        # should begin by itself
        if job.experiment.dataset == "imagenet" and job.done < 1:
            print(
                f"left out: {job}, which is ImageNet's: make imagenet-data SOURCE=folder, then "
                f"{job.experiment.target()}, "
                "then make score RUN= CROP=224,320"
            )
    jobs = [job for job in jobs if job.experiment.dataset != "imagenet"]
    for name in dict.fromkeys(
        job.experiment.name for job in jobs if own_data and job.experiment.dataset != "cifar10"
    ):
        print(f"left out: {name}, because scale {arguments.scale} has pictures for CIFAR-10 alone")
    return [
        job
        for job in jobs
        if job.done < 1 and not (own_data and job.experiment.dataset != "cifar10")
    ]


def complete(jobs, slots, arguments):
    """Train runs, with their data; (those that failed, whether it was stopped)."""
    if not jobs:
        return [], False
    own_data = scales.scale_named(arguments.scale).data
    for dataset in sorted({job.experiment.dataset for job in jobs}):
        # once, before several runs ask for it
        if not arguments.data_dir and not own_data:
            download.fetch(dataset, ROOT / "data")
    plan(jobs, slots, arguments)
    return train(jobs, slots, arguments)


if __name__ == "__main__":
    run_main(main)
