"""From prepared records to Module: the papers' training crops by MXNet's ImageRecordIter, and their
three rules for testing."""

import tempfile
from collections import namedtuple
from concurrent.futures import ThreadPoolExecutor

import mxnet as mx
import numpy as np
from PIL import Image

from common.environment import physical_cores
from common.errors import UserError

from . import photos
from .batches import Batches

# P1 3.4, P2 section 5; every other size below is for this one, and shrinks with it (--image-size)
CROP = 224
SCALES = (256, 480)  # shorter sides in training: P1 3.4
AUGMENTATIONS = ("scale", "aspect")
COLOUR_NOISE = 0.1  # standard deviation of AlexNet's noise along the principal colours: P1 3.4
BY_SIZE = 9  # OpenCV's interpolation in MXNet: areas where a picture shrinks, cubic where it grows

# How a picture is tested: its shorter side, the crop, and how many crops of it
Rule = namedtuple("Rule", "side crop crops")
RULES = {"224": Rule(256, 224, 1), "320": Rule(320, 320, 1), "ten": Rule(256, 224, 10)}


def scaled(pixels, image_size):
    """What the papers' number of pixels becomes where training crops are not 224."""
    return round(pixels * image_size / CROP)


def rule_of(name, image_size):
    """The Rule of this name where training crops have image_size."""
    side, crop, count = RULES[name]
    return Rule(scaled(side, image_size), scaled(crop, image_size), count)


def augmentation(kind, image_size, side):
    """ImageRecordIter's options. side: the shorter side of the prepared pictures; None if they have
    any, which the reader then makes the largest of the scales first.

    scale: a shorter side from [256, 480], a random crop of 224, a flip, colour noise (P1 3.4).
    aspect: a random crop of 8 to 100 % of the area with an aspect ratio of 3/4 to 4/3, resized to
    224 (GoogLeNet; P2 Table 5, last row), the rest as before.
    """
    both = {"rand_mirror": True, "pca_noise": COLOUR_NOISE}
    if kind == "aspect":
        return {
            **both,
            "random_resized_crop": True,
            "min_random_area": 0.08,
            "max_random_area": 1.0,
            "min_aspect_ratio": 3 / 4,
            "max_aspect_ratio": 4 / 3,
        }
    if side is None:
        side = scaled(SCALES[1], image_size)
        both = {**both, "resize": side, "inter_method": BY_SIZE}
    low, high = (scaled(scale, image_size) / side for scale in SCALES)
    if high > 1:
        raise UserError(
            f"the prepared pictures have a shorter side of {side}, and crops of "
            f"{image_size} need {scaled(SCALES[1], image_size)}: prepare them anew "
            "with a larger --side, or choose a smaller --image-size (make: "
            "IMAGE_SIZE=)"
        )
    return {**both, "rand_crop": True, "min_random_scale": low, "max_random_scale": high}


class CropBatches(Batches):
    """ImageNet's training batches.

    ImageRecordIter decodes and augments one batch at a time, out of a record file that holds just
    this batch in our order, so that none of its traps is left: its crops depend on its threads
    unless seed_aug is given; with seed_aug they repeat from batch to batch, and from epoch to
    epoch; it fills an epoch's last batch with the epoch's first samples; it cannot begin in the
    middle.
    """

    def __init__(
        self,
        images,
        mean,
        batch_size,
        seed,
        image_size,
        side,
        kind="scale",
        threads=None,
        share=(0, 1),
    ):
        """images: data.records.Records, of shorter side `side`, or None if they have any. mean:
        red, green, blue. threads: one a core."""
        super().__init__(len(images), batch_size, seed, share)
        self._images, self._orders, self._place = images, {}, share[0]
        self._options = {
            "data_shape": (3, image_size, image_size),
            "batch_size": batch_size // share[1],
            "verbose": False,
            "device_id": -1,
            "prefetch_buffer": 1,
            "preprocess_threads": threads or physical_cores(),
            **dict(zip(("mean_r", "mean_g", "mean_b"), map(float, mean))),
            **augmentation(kind, image_size, side),
        }

    def order(self, epoch):
        if epoch not in self._orders:
            self._orders = {e: order for e, order in self._orders.items() if e == epoch - 1}
            self._orders[epoch] = np.random.RandomState([self._seed, epoch]).permutation(
                self.samples_per_epoch
            )
        return self._orders[epoch]

    def data_batch(self, iteration):
        """Images float32 (part, 3, size, size), the mean subtracted, labels (part,); nothing is
        padded."""
        # far apart, because ImageRecordIter adds a sample's place in the batch
        seed = int(np.random.RandomState([self._seed, iteration, self._place]).randint(2**30))
        mine = [sample for _, sample in self.samples(iteration)[self._mine]]
        with tempfile.NamedTemporaryFile(suffix=".rec") as file:
            for sample in mine:
                file.write(self._images.raw(sample))
            file.flush()
            try:
                # exactly one: unpacking asks for a second, without which the iterator would never
                # give this batch's memory back
                (batch,) = mx.io.ImageRecordIter(
                    path_imgrec=file.name, seed_aug=seed, **self._options
                )
            except (mx.MXNetError, ValueError) as error:
                raise self._images.damaged() from error
        # which are not those of the records where these do not count from 0
        batch.label = [mx.nd.array(self._images.labels[mine])]
        return batch


def crops(image, rule):
    """A Pillow image -> uint8 (rule.crops, 3, rule.crop, rule.crop): the centre, or corners and
    centre, and those flipped."""
    width, height = image.size
    short = min(width, height)
    width, height = round(width * rule.side / short), round(height * rule.side / short)
    pixels = np.asarray(image.resize((width, height), Image.BILINEAR)).transpose(2, 0, 1)
    right, bottom = width - rule.crop, height - rule.crop
    corners = [] if rule.crops == 1 else [(0, 0), (0, right), (bottom, 0), (bottom, right)]
    views = [
        pixels[:, top : top + rule.crop, left : left + rule.crop]
        for top, left in [*corners, (bottom // 2, right // 2)]
    ]
    return np.stack(views if rule.crops == 1 else views + [view[:, :, ::-1] for view in views])


class TestCrops:
    """The test set once, by a rule; an iterator for training.evaluate, which averages over the
    `crops` of an image.

    A batch has batch_size * crops rows, an image's side by side; the last one is padded and
    says by how many images in batch.pad.
    """

    __test__ = False  # it is no test of pytest's

    def __init__(self, images, mean, batch_size, image_size, rule="224"):
        self._rule = rule_of(rule, image_size)
        self._images, self._mean = images, np.asarray(mean, np.float32).reshape(3, 1, 1)
        self.batch_size, self.num_data, self.crops = batch_size, len(images), self._rule.crops
        self.provide_data = [
            mx.io.DataDesc("data", (batch_size * self.crops, 3, self._rule.crop, self._rule.crop))
        ]

    def reset(self):
        """Nothing to do: every iteration begins anew."""

    def _rows(self, sample):
        picture = self._images.picture(sample)
        try:
            return crops(photos.decoded(picture), self._rule) - self._mean
        except Exception as error:  # a broken picture can raise anything
            raise self._images.damaged() from error

    def __iter__(self):
        firsts = range(0, self.num_data, self.batch_size)
        with ThreadPoolExecutor(physical_cores()) as pool:

            def begin(first):
                samples = range(first, min(first + self.batch_size, self.num_data))
                return [pool.submit(self._rows, sample) for sample in samples]

            ready = begin(0)
            for first in firsts:
                rows, ready = ready, begin(first + self.batch_size)
                pad = self.batch_size - len(rows)
                images = np.zeros(self.provide_data[0].shape, np.float32)
                labels = np.zeros(self.batch_size, np.float32)
                labels[: len(rows)] = self._images.labels[first : first + len(rows)]
                for i, row in enumerate(rows):
                    images[i * self.crops : (i + 1) * self.crops] = row.result()
                yield mx.io.DataBatch([mx.nd.array(images)], [mx.nd.array(labels)], pad=pad)
