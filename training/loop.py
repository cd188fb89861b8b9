"""The training loop: Module's forward, backward and update, a log row now and then, a checkpoint
every minute.
"""

import contextlib
import math
import time

import mxnet as mx
from tqdm import tqdm

from common.environment import bar, without_notes

from . import bfloat16, recomputation, state
from .evaluate import evaluate
from .initial import frozen_names, with_frozen
from .interrupt import Interruptions, Never, Stopped
from .optimizer import initializer, optimizer, schedule
from .progress import Progress

# a checkpoint takes some hundredths of a second, half a second for 1001 layers
CHECKPOINT_SECONDS = 60


def train(
    run,
    symbol,
    contexts,
    batches,
    test,
    recipe,
    workers,
    on_test=lambda: None,
    keep_going=False,
    deadline=math.inf,
    initial=None,
    recompute=False,
):
    """Train symbol by the recipe inside an open run folder, from its checkpoint if it has one.

    workers is a training.workers.Workers: run, test and on_test are worker 0's, the others have a
    Follower. on_test is called after each row with test columns. deadline is by time.monotonic().
    Returns 0, or what to exit with if it was stopped (training/interrupt.py).
    """
    training = Training(
        run,
        symbol,
        contexts,
        batches,
        test,
        recipe,
        workers,
        on_test,
        keep_going,
        initial,
        recompute,
    )
    interruptions = (
        Never() if workers.rank else Interruptions(training.save, CHECKPOINT_SECONDS, deadline)
    )
    progress = training.progress
    try:
        with interruptions, training.bar:
            if progress.row_due:
                training.log(interruptions.look)
                interruptions.look(last=training.over)
            if training.over:
                return 0
            with contextlib.closing(
                batches.stream(progress.iteration + 1, recipe.iterations)
            ) as stream:
                for batch in stream:
                    training.step(batch)
                    if training.row_is_due:
                        training.log(interruptions.look)
                    interruptions.look(last=training.over)
                    if training.over:
                        break
    except Stopped as stopped:
        return stopped.code
    return 0


class Training:
    """The network on its devices, and what each iteration does with it.

    contexts    MXNet devices
    batches     data.batches.TrainingBatches
    test        a padding iterator over the test set
    keep_going  whether to go on after the loss is no number any more
    initial     weights to begin from, a training.initial.Initial
    recompute   whether backward's needs are computed twice, to save memory (recompute.py)
    """

    def __init__(
        self,
        run,
        symbol,
        contexts,
        batches,
        test,
        recipe,
        workers,
        on_test,
        keep_going,
        initial,
        recompute,
    ):
        self.run = run
        self.recompute = recompute
        self.batches = batches
        self.test = test
        self.recipe = recipe
        self.workers = workers
        self.on_test = on_test
        self.keep_going = keep_going
        self.learning_rate = schedule(recipe)
        # of this worker, in one iteration
        self.seen = mx.metric.CrossEntropy(), mx.metric.Accuracy()
        arrays, saved = run.checkpoint()
        done = workers.number("iteration", saved["iteration"] if saved else 0)
        weights = state.parameters(arrays)
        if initial and not saved:
            weights = initial.arguments, initial.states
        self.module, self.tester = self._modules(symbol, contexts, weights, done)
        if saved:
            state.restore(self.module, arrays, done)
        if workers.several:
            state.broadcast(self.module, workers)
        self.progress = Progress.of(saved)
        self.progress.iteration = done
        if not saved and not workers.rank:
            self.save()
        self.bar = bar(
            total=recipe.iterations,
            initial=self.progress.iteration,
            unit="it",
            desc="train",
            disable=workers.rank > 0,
        )

    def _modules(self, symbol, contexts, weights, done):
        """(the module that trains, one that tests): switching the first over would catch its last
        step half way.

        weights: (arguments, states), or (None, None) to begin anew; before the first iteration some
        may lack.
        """
        mx.random.seed(self.recipe.seed)
        tested = self.test.provide_data[0].shape
        part = self.batches.batch_size // self.workers.count
        frozen = frozen_names(symbol, self.recipe.freeze)
        network = bfloat16.bound(with_frozen(symbol, frozen), self.recipe.dtype)
        network = recomputation.bound(network, self.recompute)
        module = mx.mod.Module(network, context=contexts, fixed_param_names=frozen)
        tester = mx.mod.Module(network, context=contexts)
        with without_notes():
            bind(module, (part, *tested[1:]), self.recipe.micro_batch)
        module.init_params(initializer(self.recipe.init_fan), *weights, allow_missing=done == 0)
        updates = 1 if self.workers.sync else self.workers.count
        # that gradients are not divided by the bound batch: those of all parts and workers are
        with without_notes():
            module.init_optimizer(
                self.workers.kv_store, optimizer(self.recipe, symbol, done, updates)
            )
            tester.bind(
                [("data", tested)],
                [("softmax_label", tested[:1])],
                for_training=False,
                shared_module=module,
            )
        return module, tester

    def settle(self):
        """Wait for all that iterations have begun: their time, though no step waits for it."""
        began = time.monotonic()
        mx.nd.waitall()
        if self.progress.shown:  # else it was for the first weights
            self.progress.busy += time.monotonic() - began

    def save(self):
        """Write a checkpoint."""
        self.settle()  # BN's moving averages are written by operators that nothing else waits for
        self.run.save(state.collect(self.module), self.progress.state())

    def step(self, batch):
        """One iteration."""
        began = time.monotonic()
        step(
            self.module,
            batch,
            self.seen,
            seed=self.recipe.seed * 1_000_003 + self.progress.iteration + 1,
        )
        # summed over the workers in each iteration, so that worker 0's checkpoint has what all have
        # seen
        totals = self.workers.totals(self.seen)
        self.progress.add(totals, time.monotonic() - began)
        self.bar.update()

    @property
    def row_is_due(self):
        progress = self.progress
        # workers that do not keep step look at the loss in their rows
        lost = progress.diverged is None and self.workers.sync and progress.lost
        last = progress.iteration == self.recipe.iterations
        return progress.iteration % self.recipe.log_every == 0 or last or lost

    def log(self, look):
        """Log what the last iterations did, with a test if one is due; look can interrupt the test."""
        self.settle()
        progress = self.progress
        if progress.diverged is None and progress.lost:
            progress.diverged = progress.iteration
            if not self.workers.rank:
                tqdm.write(
                    f"diverged: the training loss is {progress.loss.get()[1]} in iteration "
                    f"{progress.iteration:,}"
                )
        progress.row_due = True
        speed = progress.shown * self.batches.batch_size / progress.busy
        self.bar.set_postfix_str(
            f"loss {progress.loss.get()[1]:.3f}, {speed:.0f} images/s", refresh=False
        )
        errors = {}
        if not self.workers.rank and self._test_is_due():
            errors = dict(
                zip(("test_loss", "test_error"), evaluate(self.tester, self.test, between=look))
            )
            mx.nd.waitall()
        self.run.log(
            **progress.row(),
            **errors,
            images_per_second=speed,
            epoch=progress.iteration * self.batches.batch_size / self.batches.samples_per_epoch,
            learning_rate=self.learning_rate(progress.iteration),
        )
        progress.begin_row()
        if errors:
            self.on_test()

    def _test_is_due(self):
        iteration = self.progress.iteration
        return iteration % self.recipe.test_every == 0 or iteration in (
            self.recipe.iterations,
            self.progress.diverged,
        )

    @property
    def over(self):
        """Whether that was the last iteration: of the recipe, or the one that diverged."""
        progress = self.progress
        return progress.iteration == self.recipe.iterations or (
            progress.diverged is not None and not self.keep_going
        )


def bind(module, shape, part=None):
    """Bind a module to train on batches of a shape; in parts of so many pictures, whose gradients
    add up, if part says so.
    """
    part = part or shape[0]
    module.bind(
        [("data", (part, *shape[1:]))],
        [("softmax_label", (part,))],
        grad_req="add" if part < shape[0] else "write",
    )


def step(module, batch, metrics, seed):
    """One iteration: forward, backward, update; the metrics have what this worker saw in it, and
    nothing else.

    A module that is bound to fewer pictures than the batch has takes them in parts and adds up
    their gradients (its grad_req is "add"): the same step in less memory, but for BN, which
    normalises each part by itself.
    """
    # Dropout draws from MXNet's generator: seeded anew for each iteration, a resumed run draws what
    # an unbroken one did.
    mx.random.seed(seed % 2**31)
    size = module.data_shapes[0].shape[0]
    count = batch.data[0].shape[0] // size
    for metric in metrics:
        metric.reset()
    for k in range(count):
        part = (
            batch
            if count == 1
            else mx.io.DataBatch(
                [array[k * size : (k + 1) * size] for array in batch.data],
                [array[k * size : (k + 1) * size] for array in batch.label],
            )
        )
        module.forward(part, is_train=True)
        module.backward()
        if k == count - 1:
            module.update()
        outputs = module.get_outputs()
        for metric in metrics:
            metric.update(part.label, outputs)
    if count > 1:
        for gradients in module._exec_group.grad_arrays:
            for gradient in gradients:
                if gradient is not None:  # of a frozen parameter
                    gradient[:] = 0
