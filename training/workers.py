"""Several processes, on one machine or more, that train one network through MXNet's parameter
server.
"""

import os

import mxnet as mx

from common.errors import UserError


class Workers:
    """This process as one of the workers of a job.

    kv_store: local or device for a single worker, dist_sync for the workers of training.cluster.
    Worker 0 alone tests, and reads and writes the run's folder. It sends the others what they need,
    in this order: job, finished, recompute, dtype (training/job.py), then iteration, the arrays and
    diverged (training/loop.py). Each worker adds up the gradients of all and makes the same
    update, so a checkpoint has the complete state.
    """

    def __init__(self, kv_store):
        self.kv_store = kv_store
        self.rank = 0
        self.count = 1
        if kv_store != "dist_sync":
            return
        if os.environ.get("DMLC_ROLE") != "worker":
            raise UserError(
                f"--kv-store {kv_store} needs a scheduler and a server, which training.cluster "
                "starts: .venv/bin/python -m training.cluster --workers 2 -- train_cifar.py ..."
            )
        # Module reads it when it creates its optimizer
        os.environ["MXNET_UPDATE_ON_KVSTORE"] = "0"
        self.kv_store = mx.kv.create(kv_store)
        self.rank = self.kv_store.rank
        self.count = self.kv_store.num_workers
        token = int(os.environ.get("TRAINING_JOB", 0))
        if self.from_worker_0("job", token) != token:
            raise UserError(
                "the workers of another job use this address and port: give each job its own port "
                "with --port of training.cluster"
            )
        self.kv_store.init("sums", mx.nd.zeros((2, 2)))

    def broadcast(self, name, array):
        """Copy worker 0's array into the array of every worker. All workers must make the same
        calls in the same order.
        """
        self.kv_store.init(f"from worker 0: {name}", array)
        self.kv_store.pull(f"from worker 0: {name}", out=array)
        array.wait_to_read()

    def from_worker_0(self, name, value):
        """Send worker 0's integer (below 2^24) to every worker, and return it."""
        if self.count == 1:
            return value
        array = mx.nd.array([value])
        self.broadcast(name, array)
        return int(array.asscalar())

    def totals(self, metrics):
        """Return [(sum, count)] of each of two metrics, over all workers."""
        numbers = [(float(metric.sum_metric), metric.num_inst) for metric in metrics]
        if self.count == 1:
            return numbers
        array = mx.nd.array(numbers)
        self.kv_store.push("sums", array)
        self.kv_store.pull("sums", out=array)
        return array.asnumpy().tolist()


class Follower:
    """Replaces training.run.Run in the workers that do not write the run folder."""

    def __init__(self, keep_going):
        self.keep_going = keep_going

    def log(self, **row):
        pass
