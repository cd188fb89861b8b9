"""Loss and error over exactly the samples of a set, for any batch size."""

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
    """Return (loss in nats, error in %) of a bound module over an iterator.

    The padding of the last batch is not counted, unlike in module.score. If batches.crops is larger
    than 1, that many rows are crops of one image, and their probabilities are averaged.

    top        5 adds a third number: the percentage of images whose class is not among the five
               with the highest probability
    between    called after each batch
    confusion  a Confusion to update

    Call mx.nd.waitall() first: MXNet would turn an unfinished training step into an evaluation. Do
    not use the module that trains; another module can share its parameters.
    """
    metrics = [mx.metric.CrossEntropy(), mx.metric.Accuracy()]
    if top:
        metrics.append(mx.metric.TopKAccuracy(top))
    counters = [*metrics, confusion] if confusion else metrics
    crops = getattr(batches, "crops", 1)
    batches.reset()
    total = -(-batches.num_data // batches.batch_size)
    for batch in bar(batches, total=total, desc="test", unit="batch", leave=False, delay=5):
        module.forward(batch, is_train=False)
        count = batches.batch_size - batch.pad
        (output,) = module.get_outputs()
        if crops > 1:
            output = output.reshape((-4, -1, crops, -2)).mean(axis=1)
        for counter in counters:
            counter.update([batch.label[0][:count]], [output[:count]])
        between()
    assert metrics[1].num_inst == batches.num_data
    loss, *accuracies = (metric.get()[1] for metric in metrics)
    return (loss, *(100 * (1 - accuracy) for accuracy in accuracies))


def batch_size(recipe, devices, image_count):
    """Return the number of images in a batch of a test.

    It is the recipe's batch, but at least 128, because small batches of a deep network spend their
    time between operators; at most the set; and a multiple of the devices. devices: their number.
    image_count: in the test set.
    """
    return max(min(max(recipe.batch_size, 128), image_count) // devices, 1) * devices
