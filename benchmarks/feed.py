"""How fast ImageNet's pictures are prepared and fed, for each core: make feed [DATA=data/imagenet]

Preparing, feeding 224 crops, and making such crops by Pillow in a pool of processes (with scale,
crop, flip, colour noise and mean) are interleaved over the same files, so that a noisy machine
slows all; the median of the pairs' ratios is printed. Without DATA= 256 generated JPEGs of
ImageNet's usual 500x375 are prepared first.
"""

import io
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from PIL import Image

from common.command import Parser, folder
from common.environment import physical_cores
from common.errors import run_main
from data import imagenet
from data.prepare import SIDE, encode_all
from data.prepare import prepare as whole_set

VECTORS = np.array(
    [[-0.5675, 0.7192, 0.4009], [-0.5808, -0.0045, -0.8140], [-0.5836, -0.6948, 0.4203]]
) * [55.46, 4.794, 1.148]


def by_pillow(arguments):
    """One training crop: float32 (3, 224, 224)."""
    jpeg, seed, mean = arguments
    state = np.random.RandomState(seed)
    image = Image.open(io.BytesIO(jpeg))
    scale = state.randint(256, 481) / min(image.size)
    image = image.resize([round(length * scale) for length in image.size], Image.BILINEAR)
    left, top = (state.randint(length - 224 + 1) for length in image.size)
    pixels = np.asarray(image.crop((left, top, left + 224, top + 224))).astype(np.float32)
    pixels += (VECTORS @ state.normal(0, 0.1, 3)).astype(np.float32)
    pixels = np.clip(pixels, 0, 255) - mean
    return np.ascontiguousarray(pixels[:, :: -1 if state.randint(2) else 1].transpose(2, 0, 1))


def generate(folder, count=256):
    """JPEGs of about the size and the bytes of ImageNet's."""
    state = np.random.RandomState(0)
    for i in range(count):
        path = folder / f"class {i % 4}" / f"{i}.JPEG"
        path.parent.mkdir(parents=True, exist_ok=True)
        blocks = Image.fromarray(state.randint(0, 256, (60, 80, 3), dtype=np.uint8))
        blocks.resize((500, 375), Image.BICUBIC).save(path, quality=92)
    return folder


def main():
    parser = Parser(__doc__.splitlines()[0])
    parser.add_argument(
        "--data-dir", type=folder, help="a prepared set; by default one is generated"
    )
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--cores", type=int, default=physical_cores())
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, ProcessPoolExecutor(
        arguments.cores, get_context("fork")
    ) as pool:
        list(pool.map(abs, range(64)))  # before MXNet is there
        source = generate(Path(name) / "source")
        made = (
            imagenet.load(arguments.data_dir)
            if arguments.data_dir
            else whole_set(source, Path(name) / "set")
        )

        from data.crops import CropBatches

        batches = CropBatches(
            made.train_images,
            made.mean,
            arguments.batch_size,
            0,
            224,
            made.side,
            threads=arguments.cores,
        )
        files = sorted(source.glob("*/*"))[: arguments.batch_size]

        def jpegs(iteration):
            return [made.train_images.image(sample) for _, sample in batches.samples(iteration)]

        def prepare(_):
            share = -(-len(files) // arguments.cores)
            list(
                pool.map(
                    encode_all,
                    [files[i : i + share] for i in range(0, len(files), share)],
                    [SIDE] * arguments.cores,
                )
            )

        def feed(iteration):
            batches.data_batch(iteration).data[0].wait_to_read()

        def pillow(iteration):
            work = [(jpeg, i, made.mean) for i, jpeg in enumerate(jpegs(iteration))]
            np.stack(list(pool.map(by_pillow, work, chunksize=4)))

        def seconds(job, iteration):
            began = time.monotonic()
            job(iteration)
            return time.monotonic() - began

        times = np.array(
            [
                [seconds(job, i) for job in (prepare, feed, pillow)]
                for i in range(1, arguments.pairs + 2)
            ]
        )[1:]
    speeds = arguments.batch_size / np.median(times, axis=0) / arguments.cores
    ratios = times[:, 2] / times[:, 1]
    print(
        f"for each of {arguments.cores} cores: preparing {speeds[0]:.0f}, feeding {speeds[1]:.0f}, "
        "Pillow in processes "
        f"{speeds[2]:.0f} images/s; feed / Pillow {np.median(ratios):.2f} (median of {len(ratios)} "
        f"pairs, {ratios.min():.2f} to "
        f"{ratios.max():.2f})"
    )


if __name__ == "__main__":
    run_main(main)
