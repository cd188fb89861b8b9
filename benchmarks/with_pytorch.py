"""The same training in PyTorch at its best, for benchmarks.peer; run by a Python that has PyTorch.

Channels-last or contiguous, whichever is faster here, SGD in one pass over the parameters (fused),
bfloat16 by autocast. It is shown the same pictures, by our own augmentation, ahead in a thread.
"""

import contextlib
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

import numpy as np
import torch
from blocks import serve
from torch import nn
from torch.nn import functional

sys.path.append(str(Path(__file__).resolve().parent.parent / "data"))
from augment import Augmenter, draw, padding_for  # noqa: E402 (NumPy alone)

PICTURES = 50000


class Unit(nn.Module):
    """The original residual unit, with option A where the dimensions change."""

    def __init__(self, channels_in, channels, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.stride = stride
        self.new = channels - channels_in

    def forward(self, x):
        f = functional.relu(self.bn1(self.conv1(x)), inplace=True)
        f = self.bn2(self.conv2(f))
        if self.stride > 1:
            x = functional.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, 0, self.new))
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


def make(depth, size, batch, dtype):
    """(number of parameters, seconds of so many steps) in the faster layout."""
    made = [
        trainer(depth, size, batch, dtype, layout)
        for layout in (torch.contiguous_format, torch.channels_last)
    ]
    for _, seconds in made:
        seconds(2)
    return min(made, key=lambda each: min(each[1](2), each[1](2)))


def stream(size, batch):
    """Augmented pictures, float32 (batch, 3, size, size), for ever; two batches always ready."""
    pictures = np.random.RandomState(0).randint(0, 256, (PICTURES, 3, size, size), dtype=np.uint8)
    padding = padding_for(size)
    augment = Augmenter(pictures, np.full((3, size, size), 127, np.float32), padding)
    order, *where = draw(0, 0, PICTURES, padding)

    def made(i):
        first = i * batch % (PICTURES - batch)
        samples = order[first : first + batch]
        return augment(samples, *(each[samples] for each in where))

    with ThreadPoolExecutor(1) as background:
        waiting = [background.submit(made, i) for i in range(2)]
        for i in count(2):
            ready = waiting.pop(0).result()
            waiting.append(background.submit(made, i))
            yield torch.from_numpy(ready)


def trainer(depth, size, batch, dtype, layout):
    network = ResNet(depth).to(memory_format=layout).train()
    batches = stream(size, batch)
    labels = torch.zeros(batch, dtype=torch.long)
    optimizer = torch.optim.SGD(
        network.parameters(), lr=0.01, momentum=0.9, weight_decay=1e-4, fused=True
    )

    def cast():
        narrow = dtype == "bfloat16"
        return torch.autocast("cpu", torch.bfloat16) if narrow else contextlib.nullcontext()

    def seconds(steps):
        began = time.monotonic()
        for _ in range(steps):
            pictures = next(batches).to(memory_format=layout)
            optimizer.zero_grad(set_to_none=True)
            with cast():
                scores = network(pictures)
                loss = functional.cross_entropy(scores, labels)
            loss.backward()
            optimizer.step()
            loss.item()  # what a run logs: its loss and its error
            (scores.argmax(1) == labels).sum().item()
        return time.monotonic() - began

    return sum(parameter.numel() for parameter in network.parameters()), seconds


if __name__ == "__main__":
    serve(make)
