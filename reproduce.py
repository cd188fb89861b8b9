#!/usr/bin/env python
"""Train the missing runs of a table or figure, then draw it.

    make table1 SCALE=pocket          # the usual way; make -j2 trains two networks at once
    .venv/bin/python reproduce.py table1 --scale pocket --jobs 2

It first draws the runs that exist, then prints what it will train, and the time and memory that this
takes here. A run that was stopped is resumed; a run that diverges is a result; a run that fails is
named at the end, and the others continue.
"""

import json
import time
from functools import lru_cache

from common import durations
from common.command import Parser, folder, last_line, positive
from common.environment import physical_cores
from common.errors import UserError, run_main
from common.files import ROOT
from common.screen import survive
from data import cifar, download
from data.layouts import LAYOUTS
from paper import experiments, scales, search
from paper.planned_run import Images, PlannedRun
from plots.named import draw, has_runs
from training import processes
from training.devices import gpu_numbers


def parser():
    names = [
        *experiments.TABLES,
        *experiments.FIGURES,
        experiments.DEPTH,
        experiments.SEARCH,
    ]
    reproduce_parser = Parser(__doc__)
    add = reproduce_parser.add_argument
    text = f"tables and figures: {', '.join(names)}"
    add("what", nargs="+", choices=names, metavar="WHAT", help=text)
    add("--scale", default="full", choices=scales.SCALES, help="scale of the runs (full)")
    add(
        "--seeds",
        type=seed_numbers,
        default=[0],
        help=f"seeds, such as 0,1,2 (default: 0; the paper: {experiments.PAPER_SEEDS} runs)",
    )
    add(
        "--jobs",
        type=positive,
        help="runs at once, each on its share of the cores or GPUs (default: 1 on GPUs and for "
        "tables or figures at full scale; otherwise one for each core)",
    )
    add("--gpus", type=gpu_numbers, default=[], help="GPUs to share among the runs, such as 0,1")
    add("--data-dir", type=folder, help="folder with CIFAR (default: download)")
    return reproduce_parser


def seed_numbers(text):
    """Convert '0,1,2' to [0, 1, 2]."""
    seeds = text.split(",")
    if not all(seed.strip().isdecimal() and int(seed) < 2**31 for seed in seeds):
        raise UserError(
            f"--seeds {text}: write numbers from 0 to {2**31 - 1} separated by commas, e.g. 0,1,2"
        )
    return list(map(int, seeds))


def default_jobs(arguments):
    """Return how many runs train at once: 1 on GPUs and for tables or figures at full scale.

    Otherwise each core trains one run, because small images do not keep a second thread busy.
    """
    if arguments.gpus or arguments.scale == "full":
        return 1
    return physical_cores()


def print_plan(runs, arguments):
    """Print what will be trained, how long it takes here, when it ends and how much memory it
    needs. A run of each kind is measured.
    """
    measured = {}
    memory = []
    ends = [0.0] * arguments.jobs  # in seconds from the start, of each slot
    why = ""
    if arguments.jobs == default_jobs(arguments) > 1:
        why = " (one thread each: faster than one run after another; make -j1: one at a time)"
    print(f"{len(runs)} runs, {arguments.jobs} at once{why}:")
    for run in runs:
        if run.kind not in measured:
            measured[run.kind] = _cost(run, arguments)
        cost = measured[run.kind]
        if cost is None:
            continue
        done = run.done
        rest = cost["seconds"] * (1 - done)
        slot = ends.index(min(ends))
        ends[slot] += rest
        memory.append(cost["megabytes"])
        end = time.strftime("%a %H:%M", time.localtime(time.time() + ends[slot]))
        duration = durations.in_words(rest)
        line = f"  {run!s:<58} {duration:>7}, ends {end}, {cost['megabytes']:,.0f} MB"
        if "gpu_megabytes" in cost:
            line += f", {cost['gpu_megabytes']:,.0f} MB on each GPU"
        print(line + (f", {done:.0%} done" if done else ""))
    total = sum(sorted(memory)[-arguments.jobs :])
    print(f"about {durations.in_words(max(ends))} and at most {total:,.0f} MB in all", flush=True)


def _cost(run, arguments):
    """Return the result of --cost for a run; None if that fails."""
    words = [*processes.TRAIN, *run.options, *processes.slots(arguments)[0], "--cost-json"]
    try:
        return json.loads(last_line(*words, environment=processes.environment(arguments)))
    except UserError as error:  # the run itself will fail with the same message
        print(f"  {run!s:<58}  cannot be measured: {error}")
        return None


def images_of(dataset, arguments):
    """Return the Images that runs train on: the official ones before they are downloaded."""
    place = arguments.data_dir or scales.SCALES[arguments.scale].data
    if place is None:
        place = ROOT / "data" / LAYOUTS[dataset].folders[0]
        if not download.is_complete(place, LAYOUTS[dataset]):
            return Images(LAYOUTS[dataset].title, "")
    return _images(dataset, place)


@lru_cache(None)
def _images(dataset, place):
    loaded = cifar.load(dataset, place)
    return Images(loaded.name, loaded.fingerprint)


def planned(experiment, seeds, arguments):
    """Return a PlannedRun for each seed.

    The runs of a row use the same images: if a seed is missing, or DATA= names the images, a
    published run on other images does not count. Raises UserError if the user's own run is on other
    images.
    """
    key = (experiment, arguments.scale)
    runs = [PlannedRun(*key, seed, arguments.data_dir) for seed in seeds]
    is_complete = all(run.done == 1 for run in runs)
    if not _has_images(experiment, arguments) or (is_complete and not arguments.data_dir):
        return runs
    images = images_of(experiment.dataset, arguments)
    runs = [PlannedRun(*key, seed, arguments.data_dir, images=images) for seed in seeds]
    for run in runs:
        run.check_images(images)
    return runs


def _has_images(experiment, arguments):
    """Whether the scale has images for an experiment: demo for CIFAR-10 only, the others for both
    CIFARs, none for ImageNet.
    """
    datasets = ("cifar10",) if scales.SCALES[arguments.scale].data else ("cifar10", "cifar100")
    return experiment.dataset in datasets


def missing(networks, seeds, arguments):
    """Return the PlannedRuns of experiments that have to be trained, and print what is left out.

    Raises UserError if the folder of one of them has a run with another recipe.
    """
    rows = [planned(experiment, seeds, arguments) for experiment in networks]
    # all networks with the first seed, then all with the next seed
    runs = [run for column in zip(*rows) for run in column]
    # tables share networks, and different depths can be equal at a small scale
    runs = {run.folder: run for run in runs if run.done < 1}.values()
    trainable = []
    for run in runs:
        # ImageNet takes weeks on several GPUs, and its data must be prepared
        if run.experiment.dataset == "imagenet":
            print(
                f"left out: {run} needs ImageNet: make imagenet-data SOURCE=folder, then "
                f"{run.experiment.target()}, then make score RUN= CROP=224,320"
            )
        elif not _has_images(run.experiment, arguments):
            print(f"left out: {run}, because scale {arguments.scale} has images for CIFAR-10 only")
        else:
            run.check()
            trainable.append(run)
    return trainable


def complete(runs, trainer, arguments):
    """Train runs, after their data is downloaded."""
    if not runs:
        return
    official = {run.experiment.dataset for run in runs if not scales.SCALES[run.scale].data}
    if not arguments.data_dir:
        for dataset in sorted(official):
            download.fetch(dataset, ROOT / "data")  # once, before several runs need it
    print_plan(runs, arguments)
    trainer.train(runs)


def main():
    survive("stdout")
    arguments = parser().parse_args()
    seeds = arguments.seeds
    if arguments.jobs is None:
        arguments.jobs = default_jobs(arguments)
    trainer = processes.Trainer(arguments)
    if "table5" in arguments.what and (
        arguments.scale != "full" or seeds != [0] or arguments.gpus or arguments.data_dir
    ):
        raise UserError(
            "table5 is at full scale and trains nothing: leave out --scale, --seeds, --gpus and "
            "--data-dir"
        )
    networks = [row for what in arguments.what for row in experiments.experiments_of(what)]
    runs = missing(networks, seeds, arguments)
    if runs:  # training can take hours, so the existing runs are drawn first
        for what in arguments.what:
            if has_runs(what, arguments.scale):
                draw(what, arguments.scale)
    complete(runs, trainer, arguments)
    best = search.best(arguments.scale) if experiments.SEARCH in arguments.what else None
    if best is not None and not trainer.failed and not trainer.stopped:
        complete(missing([experiments.gating(best)], seeds, arguments), trainer, arguments)
    for what in arguments.what:
        draw(what, arguments.scale)
    return trainer.report()


if __name__ == "__main__":
    run_main(main)
