"""The training loop: Module's forward, backward and update, log rows and checkpoints."""

import contextlib
import math
import time

import mxnet as mx
from tqdm import tqdm

from common.environment import bar, without_notes

from . import bfloat16, recomputation, state
from .batch_norm import with_frozen, with_parts
from .evaluate import evaluate
from .initial import frozen_names
from .interrupt import Interruptions, Stopped
from .optimizer import StepSchedule, initializer, optimizer
from .progress import Progress
from .seeds import seed_masks


def train(training, deadline=math.inf):
    """Train to the last iteration, or until a signal or the deadline (of time.monotonic()).

    Returns 0, or the exit code of an interruption (training/interrupt.py).
    """
    workers = training.workers
    interruptions = Interruptions(training.save, deadline, workers.rank > 0, workers.count > 1)
    try:
        with interruptions, training.bar, contextlib.closing(training.batches()) as batches:
            if training.progress.row_due:
                training.log(interruptions.look)
                interruptions.look(last=training.over)
            while not training.over:
                training.step(batches)
                if training.ends_row:
                    training.log(interruptions.look)
                interruptions.look(last=training.over)
    except Stopped as stopped:
        return stopped.args[0]
    return 0


class Training:
    """A run in progress: the network on its devices, its data, and the steps of an iteration.

    job        training.job.Job
    run        training.run.Run, or a Follower in the workers that do not write it
    saved      (arrays, state) that the run resumes from, or (None, None): Run.resume()
    feed       (training batches, iterator over the test set)
    contexts   MXNet devices
    workers    training.workers.Workers
    initial    weights of a new run, a training.initial.Initial; None: random
    recompute  whether activations are computed twice, to save memory (training/recomputation.py)
    on_test    called after each row with test columns
    """

    def __init__(
        self, job, run, saved, feed, contexts, workers, initial=None, recompute=False, on_test=None
    ):
        self.recipe = job.recipe
        self.run = run
        self.workers = workers
        self.on_test = on_test
        self._source, self._test = feed
        self._learning_rate = StepSchedule(job.recipe)
        # of this worker's part of one iteration
        self._metrics = mx.metric.CrossEntropy(), mx.metric.Accuracy()
        arrays, saved_state = saved
        done = workers.from_worker_0("iteration", saved_state["iteration"] if saved_state else 0)
        weights = state.parameters(arrays)
        if initial:
            weights = initial.arguments, initial.states
        self.module, self._tester = self._modules(job.symbol, contexts, weights, done, recompute)
        if saved_state:
            state.restore(self.module, arrays)
        if workers.count > 1:
            state.broadcast(self.module, workers)
        self.progress = Progress.of(saved_state)
        self.progress.iteration = done
        # A run ends in the iteration in which it diverges. If this checkpoint is of a later one, an
        # earlier command had --keep-going; the run then ends at the next loss that is not finite.
        if workers.from_worker_0("diverged", int(self.progress.diverged == done)):
            self.progress.diverged = done
        elif not run.keep_going:
            self.progress.diverged = None
        if not saved_state and not workers.rank:
            self.save()
        self.bar = bar(
            total=job.recipe.iterations,
            initial=done,
            unit="it",
            desc="train",
            disable=workers.rank > 0,
        )

    def _modules(self, symbol, contexts, weights, done, recompute):
        """Return the training module and the test module.

        With a single module, a test could start before the last training step has ended. weights:
        (arguments, states), or (None, None) for random ones; at iteration 0 some may be missing.
        """
        recipe = self.recipe
        mx.random.seed(recipe.seed)
        tested = self._test.provide_data[0].shape
        part = self._source.batch_size // self.workers.count
        shape = (part, *tested[1:])
        store = self.workers.kv_store
        module = training_module(symbol, recipe, contexts, shape, recompute, weights, store, done)
        tester = mx.mod.Module(module.symbol, context=contexts)
        labels = [("softmax_label", tested[:1])]
        with without_notes():
            tester.bind([("data", tested)], labels, for_training=False, shared_module=module)
        return module, tester

    def batches(self):
        """Return a generator of the batches from the next iteration on."""
        return self._source.stream(self.progress.iteration + 1, self.recipe.iterations)

    def _settle(self):
        """Wait for all operators. This counts as iteration time, because iterations do not wait."""
        began = time.monotonic()
        mx.nd.waitall()
        if self.progress.shown:  # otherwise it was for the initial weights
            self.progress.busy += time.monotonic() - began

    def save(self):
        """Write a checkpoint."""
        self._settle()  # nothing else waits for the operators that write BN's moving averages
        self.run.save(state.collect(self.module), self.progress.state())

    def step(self, batches):
        """Do one iteration. Its time includes the time that it waits for the batch."""
        began = time.monotonic()
        batch = next(batches)
        masks = (self.recipe.seed, self.progress.iteration + 1, self.workers.rank)
        step(self.module, batch, self._metrics, masks)
        # summed over the workers in each iteration, so that a checkpoint of worker 0 has all
        totals = self.workers.totals(self._metrics)
        self.progress.add(totals, time.monotonic() - began)
        self.bar.update()

    @property
    def ends_row(self):
        """Whether this iteration ends with a row of the log."""
        progress = self.progress
        recipe, iteration = self.recipe, progress.iteration
        regular = iteration % recipe.log_every == 0 or iteration % recipe.test_every == 0
        return regular or iteration == recipe.iterations or progress.just_diverged

    @property
    def _test_is_due(self):
        iteration = self.progress.iteration
        last = iteration in (self.recipe.iterations, self.progress.diverged)
        return not self.workers.rank and (iteration % self.recipe.test_every == 0 or last)

    @property
    def over(self):
        """Whether the run ends here: this is the recipe's last iteration, or the run diverged."""
        diverged = self.progress.diverged is not None and not self.run.keep_going
        return self.progress.iteration == self.recipe.iterations or diverged

    def log(self, look):
        """Log the iterations since the last row, with a test if one is due.

        look: called after each batch of the test; it can interrupt the test.
        """
        self._settle()
        progress = self.progress
        loss = progress.row()["train_loss"]
        if progress.just_diverged:
            progress.diverged = progress.iteration
            if not self.workers.rank:
                tqdm.write(
                    f"diverged: the training loss is {loss} in iteration {progress.iteration:,}"
                )
        progress.row_due = True
        size = self._source.batch_size
        speed = progress.shown * size / progress.busy
        self.bar.set_postfix_str(f"loss {loss:.3f}, {speed:.0f} images/s", refresh=False)
        errors = {}
        if self._test_is_due:
            test_loss, test_error = evaluate(self._tester, self._test, between=look)
            errors = {"test_loss": test_loss, "test_error": test_error}
            mx.nd.waitall()
        self.run.log(
            **progress.row(),
            **errors,
            images_per_second=speed,
            epoch=progress.iteration * size / self._source.samples_per_epoch,
            learning_rate=self._learning_rate(progress.iteration),
        )
        progress.begin_row()
        if errors and self.on_test:
            self.on_test()


def training_module(
    symbol,
    recipe,
    contexts,
    shape,
    recompute=False,
    weights=(None, None),
    kv_store="local",
    done=0,
):
    """Return a Module that is ready to train.

    shape: of a batch of this worker. recompute: whether activations are computed twice. weights:
    (arguments, states) to start from; (None, None): random ones. kv_store: for the gradients. done:
    the iterations before this process; if there are none, weights may be missing.
    """
    frozen = frozen_names(symbol, recipe.freeze)
    parts = shape[0] // (recipe.micro_batch or shape[0])
    network = with_parts(with_frozen(symbol, frozen), parts)
    network = bfloat16.bound(network, recipe.dtype)
    if recompute:
        network = recomputation.Recomputed(network)
    module = mx.mod.Module(network, context=contexts, fixed_param_names=frozen)
    # MXNet warns that gradients are not divided by the bound batch: optimizer() divides them
    with without_notes():
        bind(module, shape, recipe.micro_batch)
        module.init_params(initializer(recipe.init_fan), *weights, allow_missing=done == 0)
        module.init_optimizer(kv_store, optimizer(recipe, symbol, done))
    return module


def bind(module, shape, part=None):
    """Bind a module to train on batches of a shape.

    part: number of images to which the module is bound; step() adds up the gradients of the parts.
    """
    part = part or shape[0]
    requests = "add" if part < shape[0] else "write"
    module.bind([("data", (part, *shape[1:]))], [("softmax_label", (part,))], grad_req=requests)


def step(module, batch, metrics, masks):
    """Do one iteration: forward, backward, update. The metrics count this iteration only.

    masks: the numbers that decide dropout's masks; a resumed run draws the same.

    A module that is bound to fewer images than the batch has gets the batch in parts. This is the
    same step in less memory, except that BN normalizes each part separately.
    """
    seed_masks(*masks)
    for metric in metrics:
        metric.reset()
    count, size = len(batch.data[0]), module.data_shapes[0].shape[0]
    for first in range(0, count, size):
        part = batch
        if count > size:
            rows = slice(first, first + size)
            part = mx.io.DataBatch([batch.data[0][rows]], [batch.label[0][rows]])
        module.forward(part, is_train=True)
        module.backward()
        if first + size >= count:
            module.update()
        outputs = module.get_outputs()
        for metric in metrics:
            metric.update(part.label, outputs)
    if count > size:
        state.zero_gradients(module)
