"""The same training in PyTorch, for benchmarks.peer; it runs in a Python that has PyTorch.

It uses the faster memory format (channels-last or contiguous), fused SGD and bfloat16 by autocast. A
background thread prepares the same images by our own augmentation.
"""

import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

import numpy as np
import torch
from blocks import seconds, serve
from torch import nn
from torch.nn import functional

sys.path.append(str(Path(__file__).resolve().parent.parent / "data"))
from ahead import ahead  # noqa: E402 (both need no MXNet)
from augment import Augmenter, draw, padding_for  # noqa: E402

IMAGES = 50000


class Unit(nn.Module):
    """The original residual unit, with option A where dimensions change."""

    def __init__(self, channels_in, channels, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.stride = stride
        self.added = channels - channels_in

    def forward(self, x):
        f = functional.relu(self.bn1(self.conv1(x)), inplace=True)
        f = self.bn2(self.conv2(f))
        if self.stride > 1:
            x = functional.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, 0, self.added))
        return functional.relu(x + f, inplace=True)


class ResNet(nn.Module):
    """6n+2 layers of 1512.03385, section 4.2."""

    def __init__(self, depth):
        super().__init__()
        units = []
        channels_in = 16
        for channels in (16, 32, 64):
            for number in range((depth - 2) // 6):
                stride = 2 if number == 0 and channels > 16 else 1
                units.append(Unit(channels_in, channels, stride))
                channels_in = channels
        self.stem = nn.Sequential(
            nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU(inplace=True)
        )
        self.units = nn.Sequential(*units)
        self.fc = nn.Linear(64, 10)

    def forward(self, x):
        return self.fc(self.units(self.stem(x)).mean((2, 3)))


def prepare(depth, size, batch, dtype):
    """Return (number of parameters, trainer) of ResNet-depth in the faster memory format."""
    formats = (torch.contiguous_format, torch.channels_last)
    trainers = [trainer(depth, size, batch, dtype, memory_format) for memory_format in formats]
    for _, train in trainers:
        train(2)
    return min(trainers, key=lambda pair: min(seconds(pair[1], 2) for _ in range(2)))


def stream(size, batch):
    """Yield augmented images without end, float32 (batch, 3, size, size); two are ready."""
    images = np.random.RandomState(0).randint(0, 256, (IMAGES, 3, size, size), dtype=np.uint8)
    padding = padding_for(size)
    augment = Augmenter(images, np.full((3, size, size), 127, np.float32), padding)
    order, *crops = draw(0, 0, IMAGES, padding)

    def augmented(i):
        first = i * batch % (IMAGES - batch)
        samples = order[first : first + batch]
        return augment(samples, *(values[samples] for values in crops))

    calls = ((i,) for i in count())
    with ThreadPoolExecutor(1) as background:
        yield from map(torch.from_numpy, ahead(background, augmented, calls, 3))


def trainer(depth, size, batch, dtype, memory_format):
    """Return (number of parameters, function that makes a number of training steps)"""
    network = ResNet(depth).to(memory_format=memory_format).train()
    batches = stream(size, batch)
    labels = torch.zeros(batch, dtype=torch.long)
    optimizer = torch.optim.SGD(
        network.parameters(), lr=0.01, momentum=0.9, weight_decay=1e-4, fused=True
    )

    def train(steps):
        for _ in range(steps):
            images = next(batches).to(memory_format=memory_format)
            optimizer.zero_grad(set_to_none=True)
            with torch.autocast("cpu", torch.bfloat16, enabled=dtype == "bfloat16"):
                scores = network(images)
                loss = functional.cross_entropy(scores, labels)
            loss.backward()
            optimizer.step()
            loss.item()  # a run logs its loss and its error
            (scores.argmax(1) == labels).sum().item()

    return sum(parameter.numel() for parameter in network.parameters()), train


if __name__ == "__main__":
    serve(prepare)
