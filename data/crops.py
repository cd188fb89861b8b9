"""ImageNet's batches: the papers' training crops by MXNet's ImageRecordIter, and their three rules
for testing."""

import tempfile
from collections import namedtuple
from concurrent.futures import ThreadPoolExecutor

import mxnet as mx
import numpy as np
from PIL import Image

from common.environment import physical_cores
from common.errors import UserError

from . import image_files
from .ahead import ahead
from .batches import Batches

CROP = 224  # P1 3.4, P2 section 5; all sizes below are proportional to it (--image-size)
SHORTER_SIDES = (256, 480)  # shorter sides in training: P1 3.4
COLOUR_NOISE = 0.1  # standard deviation of AlexNet's noise along the principal colours: P1 3.4
BY_SIZE = 9  # MXNet's interpolation: area where an image shrinks, cubic where it grows

# How an image is tested: its shorter side, the size of the crop, the number of crops
Rule = namedtuple("Rule", "side crop crops")
RULES = {"224": Rule(256, 224, 1), "320": Rule(320, 320, 1), "ten": Rule(256, 224, 10)}


def scaled(pixels, image_size):
    """Return a number of the papers' pixels in proportion to the size of the training crops."""
    return round(pixels * image_size / CROP)


def rule_of(name, image_size):
    """Return the Rule of this name for training crops of image_size."""
    side, crop, count = RULES[name]
    return Rule(scaled(side, image_size), scaled(crop, image_size), count)


def augmentation(kind, image_size, side):
    """Return ImageRecordIter's options. side: the shorter side of the images; None if they differ:
    the reader then resizes them to the largest of the scales.

    scale: a shorter side from [256, 480], a random crop of 224, a flip, colour noise (P1 3.4).
    aspect: a random crop of 8 to 100 % of the area with an aspect ratio of 3/4 to 4/3, resized to
    224 (GoogLeNet; P2 Table 5), with the same flip and noise.
    """
    options = {"rand_mirror": True, "pca_noise": COLOUR_NOISE}
    if kind == "aspect":
        options.update(random_resized_crop=True, min_random_area=0.08, max_random_area=1.0)
        return {**options, "min_aspect_ratio": 3 / 4, "max_aspect_ratio": 4 / 3}
    if side is None:
        side = scaled(SHORTER_SIDES[1], image_size)
        options.update(resize=side, inter_method=BY_SIZE)
    low, high = (scaled(scale, image_size) / side for scale in SHORTER_SIDES)
    if high > 1:
        raise UserError(
            f"the prepared images have a shorter side of {side}, and crops of {image_size} need "
            f"{scaled(SHORTER_SIDES[1], image_size)}: prepare them again with a larger side (make "
            "imagenet-data ARGS='--side N'), or choose a smaller --image-size (make: IMAGE_SIZE=)"
        )
    return {**options, "rand_crop": True, "min_random_scale": low, "max_random_scale": high}


class CropBatches(Batches):
    """ImageNet's training batches.

    For each batch, ImageRecordIter reads a record file with the samples of this batch only. This
    avoids four problems of ImageRecordIter: without seed_aug, crops depend on the number of
    threads; with seed_aug, they repeat in each batch and epoch; it fills an epoch's last batch with
    the epoch's first samples; it cannot start in the middle of an epoch.
    """

    def __init__(
        self, records, mean, batch_size, seed, image_size, side, kind="scale", share=(0, 1)
    ):
        """records: data.records.Records. mean: red, green, blue. side: as in augmentation()."""
        super().__init__(len(records), batch_size, seed, share)
        self._records = records
        self._place = share[0]
        self.threads = physical_cores()
        self._options = {
            "data_shape": (3, image_size, image_size),
            "batch_size": batch_size // share[1],
            "verbose": False,
            "device_id": -1,
            "prefetch_buffer": 1,
            **dict(zip(("mean_r", "mean_g", "mean_b"), map(float, mean))),
            **augmentation(kind, image_size, side),
        }

    def _draw(self, epoch):
        return np.random.RandomState([self._seed, epoch]).permutation(self.samples_per_epoch)

    def order(self, epoch):
        return self._epoch(epoch)

    def data_batch(self, iteration):
        """Return images float32 (part, 3, size, size) minus the mean, and labels (part,)."""
        # random seeds, which are far apart: ImageRecordIter adds a sample's position to the seed
        seed = int(np.random.RandomState([self._seed, iteration, self._place]).randint(2**30))
        mine = [sample for _, sample in self.samples(iteration)[self._mine]]
        with tempfile.NamedTemporaryFile(suffix=".rec") as file:
            for sample in mine:
                file.write(self._records.raw(sample))
            file.flush()
            options = {"path_imgrec": file.name, "seed_aug": seed, **self._options}
            try:
                # unpacking also asks for a second batch; otherwise the iterator never frees this one
                (batch,) = mx.io.ImageRecordIter(preprocess_threads=self.threads, **options)
            except (mx.MXNetError, ValueError) as error:
                raise self._records.corrupt() from error
        # the labels in the records need not start at 0
        batch.label = [mx.nd.array(self._records.labels[mine])]
        return batch


def crops(image, rule):
    """Return the crops of a Pillow image, uint8 (rule.crops, 3, rule.crop, rule.crop).

    One crop is the centre; ten are the corners, the centre, and their flips.
    """
    image = image_files.resized(image, rule.side, Image.BILINEAR)
    pixels = np.asarray(image).transpose(2, 0, 1)
    bottom, right = (length - rule.crop for length in pixels.shape[1:])
    corners = [(bottom // 2, right // 2)]
    if rule.crops > 1:
        corners = [(0, 0), (0, right), (bottom, 0), (bottom, right), *corners]
    views = [pixels[:, top : top + rule.crop, left : left + rule.crop] for top, left in corners]
    return np.stack(views if rule.crops == 1 else views + [view[:, :, ::-1] for view in views])


class TestCrops:
    """The test set by a rule, for training.evaluate, which averages over the crops of an image.

    A batch has batch_size * crops rows, the crops of an image consecutive. batch.pad is the number
    of images that pad the last batch.
    """

    __test__ = False  # not a test for pytest

    def __init__(self, records, mean, batch_size, image_size, rule="224"):
        self._rule = rule_of(rule, image_size)
        kind = "center crop" if self._rule.crops == 1 else f"{self._rule.crops} crops"
        self.description = f"{kind} {self._rule.crop} of {self._rule.side}"
        self._records = records
        self._mean = np.asarray(mean, np.float32).reshape(3, 1, 1)
        self.batch_size = batch_size
        self.num_data = len(records)
        self.crops = self._rule.crops
        self.provide_data = [
            mx.io.DataDesc("data", (batch_size * self.crops, 3, self._rule.crop, self._rule.crop))
        ]

    def reset(self):
        """Do nothing: every iteration starts at the first image."""

    def _rows(self, sample):
        content = self._records.image(sample)
        try:
            return crops(image_files.read(content), self._rule) - self._mean
        except Exception as error:  # a corrupt image can raise anything
            raise self._records.corrupt(sample) from error

    def __iter__(self):
        shape = self.provide_data[0].shape
        with ThreadPoolExecutor(physical_cores()) as pool:
            calls = ((sample,) for sample in range(self.num_data))
            rows = ahead(pool, self._rows, calls, 2 * self.batch_size)
            for first in range(0, self.num_data, self.batch_size):
                labels = self._records.labels[first : first + self.batch_size]
                pad = self.batch_size - len(labels)
                images = np.zeros((self.batch_size, self.crops, *shape[1:]), np.float32)
                for image, row in zip(images[: len(labels)], rows):
                    image[:] = row
                yield mx.io.DataBatch(
                    [mx.nd.array(images.reshape(shape))],
                    [mx.nd.array(np.pad(labels, (0, pad)))],
                    pad=pad,
                )
