"""The training loop: Module's forward, backward and update, a log row now and then, a checkpoint every minute."""
import contextlib
import math
import signal
import sys
import time

import mxnet as mx
from tqdm import tqdm

from . import state
from .environment import bar, without_notes
from .evaluate import evaluate
from .recipe import initializer, optimizer, schedule

CHECKPOINT_SECONDS = 60  # a checkpoint takes some hundredths of a second, half a second for 1001 layers


def train(run, symbol, contexts, batches, test, recipe, on_test=lambda: None):
    """Train symbol by the recipe inside an open run folder, from its checkpoint if it has one.

    batches: data.batches.TrainingBatches. test: a padding iterator over the test set. contexts: MXNet devices.
    on_test is called after each row that has test columns. Returns the signal that stopped it, or None.
    """
    arrays, saved = run.checkpoint()
    mx.random.seed(recipe["seed"])
    tested = test.provide_data[0].shape
    trained = (batches.batch_size, *tested[1:])
    module = mx.mod.Module(symbol, context=contexts)
    with without_notes():
        module.bind([("data", trained)], [("softmax_label", trained[:1])])
    module.init_params(initializer(recipe["init_fan"]), *state.parameters(arrays))
    module.init_optimizer(recipe["kv_store"], optimizer(recipe, symbol, done=saved["iteration"] if saved else 0))
    # Evaluation has a module of its own: switching the training module over would catch its last step half way.
    tester = mx.mod.Module(symbol, context=contexts)
    with without_notes():
        tester.bind([("data", tested)], [("softmax_label", tested[:1])], for_training=False, shared_module=module)

    loss, accuracy = mx.metric.CrossEntropy(), mx.metric.Accuracy()
    if saved:
        state.restore(module, arrays)
        (loss.sum_metric, loss.num_inst), (accuracy.sum_metric, accuracy.num_inst) = saved["metrics"]
    learning_rate = schedule(recipe)
    iteration, iterations = saved["iteration"] if saved else 0, recipe["iterations"]
    began = time.monotonic() - (saved["seconds"] if saved else 0)
    busy, shown = 0.0, 0  # seconds and iterations since the last row, tests and checkpoints left out

    def save():
        mx.nd.waitall()  # BN's moving averages are written by operators that nothing else waits for
        run.save(state.collect(module), {
            "iteration": iteration, "seconds": time.monotonic() - began,
            "metrics": [[float(metric.sum_metric), metric.num_inst] for metric in (loss, accuracy)]})

    if not saved:
        save()
    last_save = time.monotonic()
    progress = bar(total=iterations, initial=iteration, unit="it", desc="train")
    with _signals() as caught, progress, contextlib.closing(batches.stream(iteration + 1, iterations)) as stream:
        for batch in stream:
            start = time.monotonic()
            iteration += 1
            step(module, batch, (loss, accuracy), seed=recipe["seed"] * 1_000_003 + iteration)
            busy, shown = busy + time.monotonic() - start, shown + 1
            progress.update()
            last = iteration == iterations
            if iteration % recipe["log_every"] == 0 or last:
                mx.nd.waitall()
                speed = shown * batches.batch_size / busy
                progress.set_postfix_str(f"loss {loss.get()[1]:.3f}, {speed:.0f} images/s", refresh=False)
                diverged = not math.isfinite(loss.get()[1])
                errors = {}
                if iteration % recipe["test_every"] == 0 or last or diverged:
                    errors = dict(zip(("test_loss", "test_error"), evaluate(tester, test)))
                    mx.nd.waitall()
                run.log(iteration=iteration, epoch=iteration * batches.batch_size / batches.samples_per_epoch,
                        learning_rate=learning_rate(iteration), train_loss=loss.get()[1],
                        train_error=100 * (1 - accuracy.get()[1]), images_per_second=speed,
                        seconds=time.monotonic() - began, **errors)
                loss.reset(), accuracy.reset()
                busy, shown = 0.0, 0
                if errors:
                    on_test()
                if diverged:
                    save()
                    return None
            if caught or last or time.monotonic() - last_save > CHECKPOINT_SECONDS:
                save()
                last_save = time.monotonic()
            if caught and not last:
                return caught[0]
    return None


def step(module, batch, metrics, seed):
    """One iteration: forward, backward, update, and what the metrics see of it."""
    # Dropout draws from MXNet's generator: seeded anew for each iteration, a resumed run draws what an unbroken one did.
    mx.random.seed(seed % 2**31)
    module.forward(batch, is_train=True)
    module.backward()
    module.update()
    outputs = module.get_outputs()
    for metric in metrics:
        metric.update(batch.label, outputs)


@contextlib.contextmanager
def _signals():
    """A list into which SIGINT and SIGTERM put their number, so that the loop can end between two iterations."""
    caught = []

    def catch(number, frame):
        if caught:
            raise KeyboardInterrupt
        caught.append(number)
        tqdm.write("stopping after this iteration (once more: stop at once, and lose what came after the last checkpoint)",
                   file=sys.stderr)

    before = {number: signal.signal(number, catch) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield caught
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
