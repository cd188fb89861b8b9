"""Measure how fast each core prepares and feeds ImageNet's images: make feed [DATA=data/imagenet]

Two jobs alternate: preparing a set, and feeding crops of 224. The first always uses generated JPEGs
of 500x375, ImageNet's usual size. The second uses the set of DATA=, or these JPEGs.
"""

import tempfile
from concurrent.futures import ProcessPoolExecutor
from itertools import count
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from PIL import Image

from common.command import Parser, folder
from common.environment import physical_cores
from common.errors import run_main
from data import imagenet, prepare

from . import timing

IMAGES = 256  # of the generated set
BATCH = 64
PAIRS = 7  # measurements of each job


def generate(folder, images):
    """Write JPEGs of about the size and the bytes of ImageNet's."""
    state = np.random.RandomState(0)
    for i in range(images):
        path = folder / f"class {i % 4}" / f"{i}.JPEG"
        path.parent.mkdir(parents=True, exist_ok=True)
        blocks = Image.fromarray(state.randint(0, 256, (60, 80, 3), dtype=np.uint8))
        blocks.resize((500, 375), Image.BICUBIC).save(path, quality=92)
    return folder


def jobs(dataset, files, pool, cores):
    """Return the two functions that are timed: prepare and feed."""
    from data.crops import CropBatches  # the pool's processes must start before MXNet

    batches = CropBatches(dataset.train_images, dataset.mean, BATCH, 0, 224, dataset.side)
    share = -(-len(files) // cores)
    parts = [files[i : i + share] for i in range(0, len(files), share)]
    fed = count(1)

    def prepare_files():
        list(pool.map(prepare.encode_all, parts, [prepare.SIDE] * len(parts)))

    def feed():
        batches.data_batch(next(fed)).data[0].wait_to_read()

    return prepare_files, feed


def main():
    parser = Parser(__doc__.splitlines()[0])
    text = "a prepared set (default: a generated set)"
    parser.add_argument("--data-dir", type=folder, help=text)
    arguments = parser.parse_args()
    cores = physical_cores()
    with tempfile.TemporaryDirectory() as name, ProcessPoolExecutor(
        cores, get_context("fork")
    ) as pool:
        list(pool.map(abs, range(64)))  # starts the processes
        source = generate(Path(name) / "source", IMAGES)
        if arguments.data_dir:
            dataset = imagenet.load(arguments.data_dir)
        else:
            dataset = prepare.prepare(source, Path(name) / "set")
        timed = jobs(dataset, sorted(source.glob("*/*"))[:BATCH], pool, cores)
        times = timing.rounds(timed, PAIRS)
    prepared, fed = BATCH / np.median(times, axis=0) / cores
    print(f"for each of {cores} cores: preparing {prepared:.0f}, feeding {fed:.0f} images/s")


if __name__ == "__main__":
    run_main(main)
