"""ImageNet's training crops and the three rules for testing, against plain NumPy."""

import mxnet as mx
import numpy as np
import pytest
from conftest import refusal
from PIL import Image
from trees import SIDE, decoded

from common.environment import without_notes
from data import crops, prepare
from data.crops import CropBatches, TestCrops
from training.evaluate import evaluate


def feed(dataset, threads=2, **options):
    options = {**dict(batch_size=7, seed=3, image_size=64, side=SIDE), **options}
    batches = CropBatches(dataset.train_images, dataset.mean, **options)
    batches.threads = threads
    return batches


def shown(batches, iteration):
    batch = batches.data_batch(iteration)
    assert not batch.pad
    return batch.data[0].asnumpy(), batch.label[0].asnumpy()


def test_batch_is_a_function_of_seed_and_iteration_whatever_came_before(prepared):
    dataset, _ = prepared
    first, second = feed(dataset, threads=1), feed(dataset, threads=2)
    expected = [shown(first, i) for i in range(1, 9)]
    for i in (6, 2):
        images, labels = shown(second, i)
        assert (images == expected[i - 1][0]).all() and (labels == expected[i - 1][1]).all()
    streamed = list(second.stream(5, 8))
    for batch, (images, _) in zip(streamed, expected[4:]):
        assert (batch.data[0].asnumpy() == images).all()
    assert (shown(feed(dataset, seed=4), 1)[0] != expected[0][0]).any()


def test_each_epoch_shows_each_image_once_and_fills_its_last_batch_from_the_next(prepared):
    batches = feed(prepared[0])  # 36 images in batches of 7
    seen = [sample for i in range(1, 37) for sample in batches.samples(i)]
    orders = [[sample for e, sample in seen if e == epoch] for epoch in range(7)]
    assert all(sorted(order) == list(range(36)) for order in orders)
    assert len(set(map(tuple, orders))) == 7  # each epoch has an order of its own
    labels = prepared[0].train_images.labels
    for i in (5, 6):  # 6 is of two epochs
        assert (shown(batches, i)[1] == labels[[sample for _, sample in batches.samples(i)]]).all()


def test_workers_share_a_batch_and_crop_with_random_numbers_of_their_own(prepared):
    dataset, _ = prepared
    whole = feed(dataset, batch_size=6)
    workers = [feed(dataset, batch_size=6, share=(k, 2)) for k in (0, 1)]
    parts = [shown(worker, 1) for worker in workers]
    assert (np.concatenate([labels for _, labels in parts]) == shown(whole, 1)[1]).all()
    for worker in workers:
        worker.samples = lambda iteration: [(0, 0)] * 6  # the same image
    first, second = (shown(worker, 1)[0] for worker in workers)
    assert first.shape == (3, 3, 64, 64) and abs(first - second).max(axis=(1, 2, 3)).min() > 1


def test_same_image_is_cropped_anew_in_every_batch(prepared):
    # ImageRecordIter with seed_aug does to the k-th image of every batch what it does to that of
    # the first
    dataset, _ = prepared
    batches = feed(dataset, batch_size=36)
    flips = []
    for i in (1, 2, 3):
        batches.samples = lambda iteration: [(0, 0)] * 36
        flips.append(shown(batches, i)[0])
    for previous, other in zip(flips, flips[1:]):
        assert abs(previous - other).max(axis=(1, 2, 3)).min() > 1
    assert len({row.tobytes() for row in flips[0]}) > 30


def test_reader_of_a_batch_is_asked_to_its_end(prepared, monkeypatch):
    """Otherwise it keeps the batch in memory for ever."""
    read = mx.io.ImageRecordIter
    ended = []

    def reader(**options):
        yield from read(**options)
        ended.append(options["batch_size"])

    monkeypatch.setattr(mx.io, "ImageRecordIter", reader)
    dataset = prepared[0]
    CropBatches(dataset.train_images, dataset.mean, 36, 3, 64, SIDE).data_batch(1)
    assert ended == [36]


def ramp(tmp_path, colours):
    """A set of one image: its red is its column, its green its row."""
    side = SIDE
    y, x = np.mgrid[0:side, 0:side]
    planes = [x, y, np.full_like(x, 100)] if colours else [np.full_like(x, 120)] * 3
    pixels = np.stack(planes, axis=2).astype(np.uint8)
    for name in ("a/1.png", "b/1.png"):
        for split in ("train", "val"):
            path = tmp_path / "source" / split / name
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(path)
    return prepare.prepare(tmp_path / "source", tmp_path / "set", side, 1)


def test_crops_have_the_papers_scales_places_and_flips(tmp_path, monkeypatch):
    monkeypatch.setattr(crops, "COLOUR_NOISE", 0)
    dataset = ramp(tmp_path, True)
    batches = feed(dataset, batch_size=200)
    batches.samples = lambda iteration: [(0, 0)] * 200
    images = shown(batches, 1)[0] + dataset.mean.reshape(3, 1, 1)
    # columns of the prepared image for one of the crop
    slope = (images[:, 0, 32, 56] - images[:, 0, 32, 8]) / 48
    down = (images[:, 1, 56, 32] - images[:, 1, 8, 32]) / 48
    assert np.allclose(abs(slope), down, atol=0.1)
    short = SIDE / down  # [256, 480] of 224 is [73, 137] of 64
    assert 70 < short.min() < 78 and 132 < short.max() < 141
    assert 95 < short.mean() < 115 and 0.4 < (slope < 0).mean() < 0.6
    room = short - 64
    top = (images[:, 1, 8, 32] / down - 8) / room
    assert top.min() > -0.2 and top.max() < 1.2 and 0.4 < top.mean() < 0.6 and top.std() > 0.2


def test_aspect_ratio_and_area_are_googlenets(tmp_path, monkeypatch):
    monkeypatch.setattr(crops, "COLOUR_NOISE", 0)
    batches = feed(ramp(tmp_path, True), batch_size=300, kind="aspect")
    batches.samples = lambda iteration: [(0, 0)] * 300
    images = shown(batches, 1)[0]
    width, height = (
        abs(images[:, c][(slice(None), *end)] - images[:, c][(slice(None), *begin)]) * 64 / 48
        for c, begin, end in ((0, (32, 8), (32, 56)), (1, (8, 32), (56, 32)))
    )
    area, ratio = width * height / SIDE**2, width / height
    assert 0.05 < area.min() < 0.15 and area.max() > 0.85
    assert 0.70 < ratio.min() < 0.82 and 1.22 < ratio.max() < 1.42


def test_colour_noise_is_alexnets(tmp_path):
    batches = feed(ramp(tmp_path, False), batch_size=400)
    batches.samples = lambda iteration: [(0, 0)] * 400
    noise = shown(batches, 1)[0][:, :, 20, 20]
    covariance = np.cov((noise - noise.mean(axis=0)).T)
    vectors = np.array(
        [[-0.5675, 0.7192, 0.4009], [-0.5808, -0.0045, -0.8140], [-0.5836, -0.6948, 0.4203]]
    )
    expected = vectors @ np.diag((0.1 * np.array([55.46, 4.794, 1.148])) ** 2) @ vectors.T
    assert abs(covariance - expected).max() < 0.2 * abs(expected).max()


def test_images_too_small_for_the_scales_are_refused(prepared):
    refusal(lambda: feed(prepared[0], image_size=224), "137", "480", "--side")


@pytest.mark.parametrize("width, height", [(300, 211), (97, 160), (64, 64), (480, 333)])
@pytest.mark.parametrize("name", ["224", "320", "ten"])
def test_crops_by_each_rule_have_its_side_size_and_places(width, height, name):
    state = np.random.RandomState(width)
    image = Image.fromarray(state.randint(0, 256, (height, width, 3), dtype=np.uint8))
    side, crop = {"224": (256, 224), "320": (320, 320), "ten": (256, 224)}[name]
    short = min(width, height)
    size = round(width * side / short), round(height * side / short)
    whole = np.asarray(image.resize(size, Image.BILINEAR))
    bottom, right = whole.shape[0] - crop, whole.shape[1] - crop
    places = [(bottom // 2, right // 2)]
    if name == "ten":
        places = [(0, 0), (0, right), (bottom, 0), (bottom, right), *places]
    expected = [whole[top : top + crop, left : left + crop] for top, left in places]
    if name == "ten":
        expected += [view[:, ::-1] for view in expected]
    ours = crops.crops(image, crops.RULES[name]).transpose(0, 2, 3, 1)
    assert ours.shape == (len(expected), crop, crop, 3)
    assert (ours == np.array(expected)).all()


@pytest.mark.parametrize("rule", ["224", "320", "ten"])
@pytest.mark.parametrize("batch_size", [5, 12])
def test_each_image_counts_once_whatever_the_batch(prepared, rule, batch_size):
    dataset, _ = prepared
    test = TestCrops(dataset.test_images, dataset.mean, batch_size, 32, rule)
    shape = test.provide_data[0].shape
    assert shape[2:] == ((46, 46) if rule == "320" else (32, 32))
    # a network without weights: its logits are the mean colour of the crop
    data = mx.sym.Variable("data")
    module = mx.mod.Module(mx.sym.softmax(mx.sym.mean(data, axis=(2, 3)) * 0.05), label_names=None)
    with without_notes():
        module.bind([("data", shape)], for_training=False)
    module.init_params()
    loss, top1, top2 = evaluate(module, test, top=2)
    probabilities = []
    for i in range(12):
        header, pixels = decoded(dataset.test_images, i)
        views = crops.crops(Image.fromarray(pixels), test._rule) - dataset.mean.reshape(3, 1, 1)
        logits = 0.05 * views.mean(axis=(2, 3))
        soft = np.exp(logits - logits.max(axis=1, keepdims=True))
        probabilities.append((soft / soft.sum(axis=1, keepdims=True)).mean(axis=0))
    probabilities, labels = np.array(probabilities), dataset.test_images.labels.astype(int)
    order = probabilities.argsort(axis=1)[:, ::-1]
    assert top1 == pytest.approx(100 * (order[:, 0] != labels).mean(), abs=1e-6)
    assert top2 == pytest.approx(
        100 * (order[:, :2] != labels[:, None]).all(axis=1).mean(), abs=1e-6
    )
    assert loss == pytest.approx(-np.log(probabilities[np.arange(12), labels]).mean(), rel=0.02)
