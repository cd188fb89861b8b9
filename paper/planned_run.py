"""A run that a table or figure needs: its folder, its progress, and its command."""

import os
from collections import namedtuple

from common import files
from common.errors import UserError
from common.files import ROOT

from . import counted_runs, run_files, scales

Images = namedtuple("Images", "name fingerprint")  # of a data set


class PlannedRun:
    """An experiment with a seed at a scale.

    images: the Images to train on; a published run counts only if it used these. None: it counts
    with any images.
    """

    def __init__(self, experiment, scale, seed, data_dir=None, images=None):
        self.experiment = experiment.at(scale)
        self.scale = scale
        self.seed = seed
        place = scale, self.experiment.folder_name, seed
        ours = files.RESULTS / files.run_place(*place)
        counts = self._done(ours) == 1
        if counts and images:
            counts = run_files.read(ours).is_trained_on(images)
        self.folder = ours if counts else files.run_folder(*place)
        data = ["--data-dir", os.path.relpath(data_dir, ROOT)] if data_dir else []
        output = ["--seed", str(seed), "--output", os.path.relpath(self.folder, ROOT)]
        self.options = [*self.experiment.command, "--scale", scale, *data, *output]

    def __str__(self):
        return f"{self.scale} {self.experiment.folder_name} seed {self.seed}"

    @property
    def kind(self):
        """Runs of one kind take the same time and memory."""
        experiment = self.experiment
        changes = str(experiment.changes)
        return self.scale, experiment.depth, experiment.unit, experiment.shortcut, changes

    def check_images(self, images):
        """Raise UserError if a finished run of the user was trained on other images."""
        if self.done < 1:
            return
        run = run_files.read(self.folder)
        if not run.is_trained_on(images):
            raise UserError(
                f"{self.folder} was trained on {run.data}, not on {images.name}: name its images with "
                "--data-dir (make: DATA=), or move it away"
            )

    def check(self):
        """Raise UserError if its folder has a run of another network or recipe, which training would
        reject.
        """
        try:
            run = run_files.read(self.folder)
        except UserError:  # there is no run, or train_cifar.py resumes or rejects it
            return
        counted_runs.check(run, self.experiment, self.scale)
        dtype = run.recipe["dtype"]
        if scales.SCALES[self.scale].recipe.dtype not in ("fast", dtype):
            raise UserError(
                f"{self.folder} has dtype {dtype}: finish it with --dtype {dtype}, or move it away"
            )

    @property
    def done(self):
        """The share of its iterations that its log has; 1 if it is finished."""
        return self._done(self.folder)

    def _done(self, folder):
        try:
            run = run_files.read(folder)
            counted_runs.check(run, self.experiment, self.scale)
        except UserError:
            return 0
        if run_files.is_whole(run):
            return 1
        return min(0.999, run.rows[-1]["iteration"] / run.recipe["iterations"])
