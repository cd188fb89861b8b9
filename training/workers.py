"""Several processes, on one machine or many, that train one network together through MXNet's
parameter server.
"""

import os

import mxnet as mx

from common.errors import UserError


class Workers:
    """This process's place among the workers of a job.

    kv_store: local or device make a single worker, dist_* those of training.cluster.
    Worker 0 alone reads and writes the run's folder and tests; the others have from it what they
    need to go on.
    dist_sync: all add up their gradients, and each makes the same update, so that checkpoints have
    everything. dist_async: the server updates as gradients come; its momentum is in no checkpoint.
    """

    def __init__(self, kv_store):
        self.kv_store, self.rank, self.count, self.sync = kv_store, 0, 1, True
        if not kv_store.startswith("dist"):
            return
        if os.environ.get("DMLC_ROLE") != "worker":
            raise UserError(
                f"--kv-store {kv_store} needs a scheduler and a server, which training.cluster"
                " starts, here or on other machines: python -m training.cluster --workers 2 --"
                " train_cifar.py ..."
            )
        self.sync = kv_store == "dist_sync"
        os.environ["MXNET_UPDATE_ON_KVSTORE"] = (
            "0" if self.sync else "1"
        )  # read when Module gets its optimizer
        self.kv_store = mx.kv.create(kv_store)
        self.rank, self.count = self.kv_store.rank, self.kv_store.num_workers
        self._sums = False  # whether the server knows them
        token = int(os.environ.get("TRAINING_JOB", 0))
        if self.number("job", token) != token:
            raise UserError(
                "another job's workers answer at this address and port: name a port of "
                "its own for each job, by --port of training.cluster"
            )

    @property
    def several(self):
        return self.count > 1

    def broadcast(self, name, array):
        """Worker 0's array, in place, in all workers; each calls it in the same order."""
        self.kv_store.init(f"from worker 0: {name}", array)
        self.kv_store.pull(f"from worker 0: {name}", out=array)
        array.wait_to_read()

    def number(self, name, value):
        """Worker 0's whole number (below 2^24), in all workers."""
        if not self.several:
            return value
        array = mx.nd.array([value])
        self.broadcast(name, array)
        return int(array.asscalar())

    def totals(self, metrics):
        """[(sum, count)] of each metric over all workers, in each; of this one alone if they do not
        keep step.
        """
        numbers = [(float(metric.sum_metric), metric.num_inst) for metric in metrics]
        if not self.several or not self.sync:
            return numbers
        array = mx.nd.array(numbers)
        if not self._sums:
            self.kv_store.init("sums", array)
            self._sums = True
        self.kv_store.push("sums", array)
        self.kv_store.pull("sums", out=array)
        return array.asnumpy().tolist()


class Follower:
    """What stands for the run's folder in the workers that do not write."""

    def checkpoint(self):
        return None, None

    def save(self, arrays, state):
        pass

    def log(self, **row):
        pass
