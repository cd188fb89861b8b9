"""The training loop: Module's forward, backward and update, a log row now and then, a checkpoint every minute."""
import contextlib
import math
import time
from types import SimpleNamespace

import mxnet as mx
from tqdm import tqdm

from common.environment import bar, without_notes

from . import bfloat16, state
from .evaluate import evaluate
from .interrupt import Interruptions, Never, Stopped
from .recipe import initializer, optimizer, schedule

CHECKPOINT_SECONDS = 60  # a checkpoint takes some hundredths of a second, half a second for 1001 layers


def train(run, symbol, contexts, batches, test, recipe, workers, on_test=lambda: None, keep_going=False, deadline=math.inf):
    """Train symbol by the recipe inside an open run folder, from its checkpoint if it has one.

    batches: data.batches.TrainingBatches. test: a padding iterator over the test set. contexts: MXNet devices.
    workers: training.workers.Workers; run, test and on_test are worker 0's, the others have a Follower and use neither.
    on_test is called after each row that has test columns. keep_going: whether to go on after the loss is no number any more.
    deadline: when to stop, by time.monotonic(). Returns 0, or what to exit with if it was stopped (training/interrupt.py).
    """
    arrays, saved = run.checkpoint()
    mx.random.seed(recipe["seed"])
    tested = test.provide_data[0].shape
    mine = batches.batch_size // workers.count
    network = bfloat16.bound(symbol, recipe)
    module = mx.mod.Module(network, context=contexts)
    with without_notes():
        bind(module, (mine, *tested[1:]), recipe["micro_batch"])
    module.init_params(initializer(recipe["init_fan"]), *state.parameters(arrays))
    done = workers.number("iteration", saved["iteration"] if saved else 0)
    with without_notes():  # that gradients are not divided by the bound batch: those of all parts and workers are
        module.init_optimizer(workers.kv_store, optimizer(recipe, symbol, done, 1 if workers.sync else workers.count))
    # Evaluation has a module of its own: switching the training module over would catch its last step half way.
    tester = mx.mod.Module(network, context=contexts)
    with without_notes():
        tester.bind([("data", tested)], [("softmax_label", tested[:1])], for_training=False, shared_module=module)

    loss, accuracy = mx.metric.CrossEntropy(), mx.metric.Accuracy()  # since the last row
    seen = mx.metric.CrossEntropy(), mx.metric.Accuracy()  # of this worker, in one iteration
    # All that changes besides the arrays. busy, shown: seconds and iterations since the last row, tests and checkpoints left
    # out. row_due: a test was interrupted, and the row of this iteration is still to be written. diverged: the iteration.
    now = SimpleNamespace(iteration=done, seconds=0.0, busy=0.0, shown=0, row_due=False, diverged=None)
    if saved:
        state.restore(module, arrays)
        (loss.sum_metric, loss.num_inst), (accuracy.sum_metric, accuracy.num_inst) = saved["metrics"]
        vars(now).update({name: saved[name] for name in vars(now)})
    if workers.several:
        state.broadcast(module, workers)
    learning_rate, iterations = schedule(recipe), recipe["iterations"]
    began = time.monotonic() - now.seconds

    def save():
        mx.nd.waitall()  # BN's moving averages are written by operators that nothing else waits for
        now.seconds = time.monotonic() - began
        run.save(state.collect(module), {
            **vars(now), "metrics": [[float(metric.sum_metric), metric.num_inst] for metric in (loss, accuracy)]})

    def row():
        """Log what the last iterations did, with a test if one is due; can be interrupted in the test."""
        mx.nd.waitall()
        if now.diverged is None and not math.isfinite(loss.sum_metric):
            now.diverged = now.iteration
            if not workers.rank:
                tqdm.write(f"diverged: the training loss is {loss.get()[1]} in iteration {now.iteration:,}")
        now.row_due = True
        speed = now.shown * batches.batch_size / now.busy
        progress.set_postfix_str(f"loss {loss.get()[1]:.3f}, {speed:.0f} images/s", refresh=False)
        errors = {}
        if not workers.rank and (now.iteration % recipe["test_every"] == 0 or now.iteration in (iterations, now.diverged)):
            errors = dict(zip(("test_loss", "test_error"), evaluate(tester, test, between=interruptions.look)))
            mx.nd.waitall()
        run.log(iteration=now.iteration, epoch=now.iteration * batches.batch_size / batches.samples_per_epoch,
                learning_rate=learning_rate(now.iteration), train_loss=loss.get()[1],
                train_error=100 * (1 - accuracy.get()[1]), images_per_second=speed, seconds=time.monotonic() - began, **errors)
        loss.reset(), accuracy.reset()
        now.busy, now.shown, now.row_due = 0.0, 0, False
        if errors:
            on_test()

    def ends():
        return now.iteration == iterations or (now.diverged is not None and not keep_going)

    if not saved and not workers.rank:
        save()
    interruptions = Interruptions(save, CHECKPOINT_SECONDS, deadline) if not workers.rank else Never()
    progress = bar(total=iterations, initial=now.iteration, unit="it", desc="train", disable=workers.rank > 0)
    try:
        with interruptions, progress:
            if now.row_due:
                row()
                interruptions.look(last=ends())
            if ends():
                return 0
            with contextlib.closing(batches.stream(now.iteration + 1, iterations)) as stream:
                for batch in stream:
                    start = time.monotonic()
                    now.iteration += 1
                    step(module, batch, seen, seed=recipe["seed"] * 1_000_003 + now.iteration)
                    # summed over the workers in each iteration, so that worker 0's checkpoint has what all have seen
                    for metric, (total, count) in zip((loss, accuracy), workers.totals(seen)):
                        metric.sum_metric, metric.num_inst = metric.sum_metric + total, metric.num_inst + count
                    now.busy, now.shown = now.busy + time.monotonic() - start, now.shown + 1
                    progress.update()
                    # a number of the host: costs no waiting. Workers that do not keep step look at it in their rows
                    lost = now.diverged is None and workers.sync and not math.isfinite(loss.sum_metric)
                    if now.iteration % recipe["log_every"] == 0 or now.iteration == iterations or lost:
                        row()
                    interruptions.look(last=ends())
                    if ends():
                        break
    except Stopped as stopped:
        return stopped.code
    return 0


def bind(module, shape, part=None):
    """Bind a module to train on batches of a shape; in parts of so many pictures, whose gradients add up, if part says so."""
    part = part or shape[0]
    module.bind([("data", (part, *shape[1:]))], [("softmax_label", (part,))], grad_req="add" if part < shape[0] else "write")


def step(module, batch, metrics, seed):
    """One iteration: forward, backward, update; the metrics have what this worker saw in it, and nothing else.

    A module that is bound to fewer pictures than the batch has takes them in parts and adds up their gradients (its grad_req
    is "add"): the same step in less memory, but for BN, which normalises each part by itself.
    """
    # Dropout draws from MXNet's generator: seeded anew for each iteration, a resumed run draws what an unbroken one did.
    mx.random.seed(seed % 2**31)
    size = module.data_shapes[0].shape[0]
    count = batch.data[0].shape[0] // size
    for metric in metrics:
        metric.reset()
    for k in range(count):
        part = batch if count == 1 else mx.io.DataBatch(
            [array[k * size:(k + 1) * size] for array in batch.data], [array[k * size:(k + 1) * size] for array in batch.label])
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
                gradient[:] = 0
