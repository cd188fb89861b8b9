"""Loss and error over exactly the samples of a set, whatever the batch size."""

import mxnet as mx
import numpy as np

from common.environment import bar


class Confusion:
    """Counts the images of each class (row) by predicted class (column)."""

    def __init__(self, classes):
        self.counts = np.zeros((classes, classes), int)

    def update(self, labels, outputs):
        pairs = (labels[0].asnumpy().astype(int), outputs[0].asnumpy().argmax(axis=1))
        np.add.at(self.counts, pairs, 1)


def evaluate(module, batches, top=None, between=lambda: None, confusion=None):
    """(loss in nats, error in %) of a bound module over an iterator, the padding of its last batch
    left out.

    Where batches.crops says that so many rows are views of one image, its probabilities are their
    mean. With top=5 there is a
    third number: the share, in %, of images whose class is not among the five likeliest.

    module.score would count the padding. Wait for a training step in flight before calling this
    (MXNet would turn it into an evaluation half way); evaluate on a module of its own that shares
    the parameters. between: called after each batch. confusion: a Confusion to update.
    """
    loss, accuracy = mx.metric.CrossEntropy(), mx.metric.Accuracy()
    likeliest = [mx.metric.TopKAccuracy(top)] if top else []
    crops = getattr(batches, "crops", 1)
    batches.reset()
    total = -(-batches.num_data // batches.batch_size)
    for batch in bar(batches, total=total, desc="test", unit="batch", leave=False, delay=5):
        module.forward(batch, is_train=False)
        count = batches.batch_size - batch.pad
        labels = [label[:count] for label in batch.label]
        outputs = [
            (
                output.reshape((-4, -1, crops, -2)).mean(axis=1)[:count]
                if crops > 1
                else output[:count]
            )
            for output in module.get_outputs()
        ]
        for metric in (loss, accuracy, *likeliest, *([confusion] if confusion else [])):
            metric.update(labels, outputs)
        between()
    assert accuracy.num_inst == batches.num_data, (accuracy.num_inst, batches.num_data)
    return (loss.get()[1], *(100 * (1 - metric.get()[1]) for metric in (accuracy, *likeliest)))
