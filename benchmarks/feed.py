"""Measure how fast each core prepares and feeds ImageNet's images: make feed [DATA=data/imagenet]

Three jobs alternate: preparing a set, feeding crops of 224, and making such crops with Pillow in a
pool of processes (scale, crop, flip, colour noise, mean). The first always uses generated JPEGs of
500x375, ImageNet's usual size: 256, or --batch-size. The others use the set of DATA=, or these
JPEGs.
"""

import io
import tempfile
from concurrent.futures import ProcessPoolExecutor
from itertools import count
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from PIL import Image

from common.command import Parser, folder, positive
from common.environment import physical_cores
from common.errors import run_main
from data import imagenet, prepare

from . import timing

IMAGES = 256


def by_pillow(arguments):
    """Return one training crop: float32 (3, 224, 224)."""
    jpeg, seed, mean = arguments
    state = np.random.RandomState(seed)
    image = Image.open(io.BytesIO(jpeg)).convert("RGB")
    scale = state.randint(256, 481) / min(image.size)
    image = image.resize([round(length * scale) for length in image.size], Image.BILINEAR)
    left, top = (state.randint(length - 224 + 1) for length in image.size)
    pixels = np.asarray(image.crop((left, top, left + 224, top + 224))).astype(np.float32)
    pixels += state.normal(0, 5, 3).astype(np.float32)
    pixels = np.clip(pixels, 0, 255) - mean
    return np.ascontiguousarray(pixels[:, :: -1 if state.randint(2) else 1].transpose(2, 0, 1))


def generate(folder, images):
    """Write JPEGs of about the size and the bytes of ImageNet's."""
    state = np.random.RandomState(0)
    for i in range(images):
        path = folder / f"class {i % 4}" / f"{i}.JPEG"
        path.parent.mkdir(parents=True, exist_ok=True)
        blocks = Image.fromarray(state.randint(0, 256, (60, 80, 3), dtype=np.uint8))
        blocks.resize((500, 375), Image.BICUBIC).save(path, quality=92)
    return folder


def jobs(dataset, files, pool, batch_size, cores):
    """Return the three functions that are timed: prepare, feed and Pillow."""
    from data.crops import CropBatches  # the pool's processes must start before MXNet

    batches = CropBatches(dataset.train_images, dataset.mean, batch_size, 0, 224, dataset.side)
    batches.threads = cores
    share = -(-len(files) // cores)
    parts = [files[i : i + share] for i in range(0, len(files), share)]
    fed, cropped = count(1), count(1)

    def prepare_files():
        list(pool.map(prepare.encode_all, parts, [prepare.SIDE] * len(parts)))

    def feed():
        batches.data_batch(next(fed)).data[0].wait_to_read()

    def pillow():
        samples = [sample for _, sample in batches.samples(next(cropped))]
        jpegs = [dataset.train_images.image(sample) for sample in samples]
        work = [(jpeg, i, dataset.mean) for i, jpeg in enumerate(jpegs)]
        np.stack(list(pool.map(by_pillow, work, chunksize=4)))

    return prepare_files, feed, pillow


def main():
    parser = Parser(__doc__.splitlines()[0])
    add = parser.add_argument
    add("--data-dir", type=folder, help="a prepared set (default: a generated set)")
    add("--batch-size", type=positive, default=64, help="images in a batch (64)")
    add("--pairs", type=positive, default=7, help="pairs of measurements (7)")
    add("--cores", type=positive, default=physical_cores(), help="processes (all cores)")
    arguments = parser.parse_args()
    cores, size = arguments.cores, arguments.batch_size
    with tempfile.TemporaryDirectory() as name, ProcessPoolExecutor(
        cores, get_context("fork")
    ) as pool:
        list(pool.map(abs, range(64)))  # starts the processes
        source = generate(Path(name) / "source", max(IMAGES, size))
        if arguments.data_dir:
            dataset = imagenet.load(arguments.data_dir)
        else:
            dataset = prepare.prepare(source, Path(name) / "set")
        timed = jobs(dataset, sorted(source.glob("*/*"))[:size], pool, size, cores)
        times = timing.rounds(timed, arguments.pairs)
    speeds = size / np.median(times, axis=0) / cores
    print(
        f"for each of {cores} cores: preparing {speeds[0]:.0f}, feeding {speeds[1]:.0f}, Pillow in "
        f"processes {speeds[2]:.0f} images/s; feed / Pillow "
        f"{timing.spread(times[:, 2] / times[:, 1])}"
    )


if __name__ == "__main__":
    run_main(main)
