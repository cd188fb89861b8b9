"""docs/SPEED.md's tables, from what benchmarks/ has measured and saved."""

from docs import values


def beside_pytorch():
    """Our loop beside PyTorch's step: images/s, and the ratio of interleaved blocks."""
    rows = values.measured("speed-pytorch")
    lines = [
        "| network | pictures | batch | type | ours | PyTorch | ours / PyTorch |",
        "| --- | --- | ---: | --- | ---: | ---: | ---: |",
    ]
    for row in rows:
        cells = [
            f"ResNet-{row['depth']:.0f}",
            f"{row['size']:.0f}x{row['size']:.0f}",
            f"{row['batch']:.0f}",
            row["dtype"],
            f"{row['ours']:.0f} images/s",
            f"{row['theirs']:.0f} images/s",
            f"{row['ratio']:.2f}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return [*lines, "", f"{where(rows)}, PyTorch {rows[0]['pytorch']}."]


def units():
    """The step of each variant beside the original network's."""
    rows = values.measured("speed-units")
    lines = [
        "| network | step | multiply-adds | step per multiply-add | bfloat16 / float32 |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for row in rows:
        cells = [
            row["network"],
            *(f"{row[key]:.2f}" for key in ("step", "work", "step_per_work")),
            "" if row["bfloat16"] is None else f"{row['bfloat16']:.2f}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return [*lines, "", f"{where(rows)}."]


def where(rows):
    """The machine and the day of a measurement."""
    return f"Measured on {rows[0]['machine']}, {rows[0]['day']}"
