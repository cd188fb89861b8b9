"""One run that a table, a figure or the queue wants: where it lies, how much of it is there, what
trains it.
"""

import os
from pathlib import Path

from common import files
from common.errors import UserError
from common.files import ROOT

from . import run_files


class Job:
    """One experiment with one seed at a scale; published: as one of our published runs, not as a
    user's own.
    """

    def __init__(self, experiment, scale, seed, data_dir=None, published=False):
        self.experiment = experiment.at(scale)
        self.scale = scale
        self.seed = seed
        self.folder = self._folder(published)
        data = ["--data-dir", os.path.relpath(data_dir, ROOT)] if data_dir else []
        self.options = [
            *self.experiment.command,
            "--scale",
            scale,
            *data,
            "--seed",
            str(seed),
            "--output",
            os.path.relpath(self.folder, ROOT),
        ]

    def _folder(self, published):
        """Where its run is, or is to be."""
        place = Path(self.scale) / self.experiment.name / f"seed{self.seed}"
        folder = files.RESULTS / place
        if published or self._share(folder) == 1:
            return folder
        return files.run_folder(place)

    def __str__(self):
        return f"{self.scale} {self.experiment.name} seed {self.seed}"

    @property
    def kind(self):
        """Jobs of one kind take the same time and memory."""
        each = self.experiment
        return self.scale, each.depth, each.unit, each.shortcut, str(each.changes)

    @property
    def done(self):
        """Share of its iterations that its log has: 1 is finished."""
        return self._share(self.folder)

    def _share(self, folder):
        try:
            run = run_files.read(folder)
            run_files.check(run, self.experiment, self.scale)
        except UserError:
            return 0
        return (
            1
            if run_files.is_whole(run)
            else min(0.999, run.rows[-1]["iteration"] / run.config["recipe"]["iterations"])
        )
