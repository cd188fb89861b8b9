"""A run resumes from its newest sound checkpoint, and a corrupt file or a full disk loses no result."""

import math
import os

import mxnet as mx
import pytest
from conftest import refusal
from made_runs import CONFIG, full_disk, numbers, reopened, resumes_from

from training import checkpoint
from training.log import COLUMNS, read_log
from training.run import Run


@pytest.mark.parametrize("name", ["arrays.params", "state.json"])
@pytest.mark.parametrize("tenth", range(10))
def test_truncated_checkpoint_is_named_and_the_one_before_it_used(two, capsys, name, tenth):
    file = two / "checkpoint-0000010" / name
    os.truncate(file, file.stat().st_size * tenth // 10)
    copy = resumes_from(two, 5)
    out = capsys.readouterr().out
    assert len(out.splitlines()) == 1 and "checkpoint-0000010 is corrupt" in out
    assert "checkpoint-0000005" in out and name in out
    assert list(copy.glob("damaged-checkpoint-0000010-*")), "the corrupt checkpoint was deleted"


@pytest.mark.parametrize(
    "name, part, other",
    [
        ("arrays.params", mx.nd.array([2990]).asnumpy().tobytes(), b"\0\0\x80?"),
        ("state.json", b'"learning_rate": 0.1', b'"learning_rate": 0.2'),
        ("state.json", b"10,,,0.1,", b"10,,,0.2,"),
    ],
)
def test_missing_or_changed_file_is_damage(two, name, part, other):
    file = two / "checkpoint-0000010" / name
    content = file.read_bytes()
    assert content.count(part) == 1
    file.write_bytes(content.replace(part, other))
    resumes_from(two, 5)
    file.unlink()
    resumes_from(two, 5)


def test_run_without_any_sound_checkpoint_is_refused(two):
    for path in checkpoint.paths(two):
        (path / "arrays.params").write_bytes(b"\x12\x01" * 200)
    refusal(
        lambda: reopened(two),
        "checkpoint-0000005 is corrupt",
        "checkpoint-0000010 is corrupt",
        "move",
    )


def test_two_checkpoints_are_kept(two):
    with Run(two, CONFIG) as run:
        run.resume()
        for k in (15, 20, 20, 25):
            run.save(numbers(k), {"iteration": k})
    assert [path.name for path in sorted(two.glob("checkpoint*"))] == [
        "checkpoint-0000020",
        "checkpoint-0000025",
    ]


def test_log_is_restored_from_the_checkpoint(two):
    (two / "log.csv").write_bytes(b"\0\xff,nonsense\n" * 100)
    resumes_from(two, 10)
    (two / "log.csv").unlink()
    resumes_from(two, 10)


def test_full_disk_stops_a_checkpoint_at_any_size_and_the_one_before_is_kept(two):
    files = (two / "checkpoint-0000010").iterdir()
    sizes = {file.name: file.stat().st_size for file in files}
    arrays = sizes["arrays.params"]
    cuts = {size * tenth // 10 for size in sizes.values() for tenth in range(10)}
    with Run(two, CONFIG) as run:
        run.resume()
        for cut in sorted(cuts | {arrays - 1, arrays - 20}):
            if cut == max(sizes.values()):
                continue
            with full_disk(cut):
                refusal(lambda: run.save(numbers(15), {"iteration": 15}), "is the disk full?")
            partial = two / "checkpoint.partial"
            assert not partial.exists(), "what is left over keeps the disk full"
    resumes_from(two, 10)


def test_full_disk_stops_a_log_row_with_one_line(two):
    with Run(two, CONFIG) as run:
        run.resume()
        with full_disk((two / "log.csv").stat().st_size + 3):
            refusal(lambda: run.log(iteration=11, train_loss=0.1), "is the disk full?")
    resumes_from(two, 10)


# ---- the log

HEADER, ROW = ",".join(COLUMNS).encode(), b"100,0.5,0.1,2.25,80,,,500,1.5"


ONES = b",1" * 8


@pytest.mark.parametrize(
    "junk",
    [
        *(b"", b"\0" * 50, b"\xff\xfe", b"100", b"," * 8, b",,,,,,,,,", HEADER),
        *(number + ONES for number in (b"nan", b"inf", b"-1", b"50", b'"200', b"9" * 200000)),
        *(b"200,1,1,1", b"200" + ONES + b",1", b"200" + b",x" * 8, b"200,,,,,,,,"),
    ],
)
def test_damaged_line_is_left_out_and_no_other(tmp_path, junk):
    lines = [HEADER, ROW, junk, ROW.replace(b"100", b"300"), b"400" + ONES]
    (tmp_path / "log.csv").write_bytes(b"\n".join(lines))
    assert [row["iteration"] for row in read_log(tmp_path)] == [100, 300]


def test_log_keeps_what_is_no_number_of_a_diverged_run(tmp_path):
    (tmp_path / "log.csv").write_bytes(HEADER + b"\n100,0.5,0.1,nan,80,inf,90,500,1.5\n")
    (row,) = read_log(tmp_path)
    assert math.isnan(row["train_loss"]) and row["test_loss"] == math.inf
