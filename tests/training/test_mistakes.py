"""A mistake in the options of a training is one line, and leaves no run."""

import pytest
from conftest import refused


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["--gpus", "99"], ["no GPU 99", "leave out --gpus"]),
        (["--gpus", "a"], ["--gpus a"]),
        (["--gpus", "0,0"], ["each GPU once"]),
        (["--batch-size", "21", "--cpus", "2"], ["21", "cannot be divided"]),
        (["--batch-size", "501"], ["501", "500 training images"]),
        (["--iterations", "50", "--warmup-learning-rate", "0.02"], ["recipe has no warm-up"]),
        (["--batch-size", "0"], ["--batch-size 0"]),
        (["--micro-batch", "7"], ["--micro-batch 7", "divide the 20 images of a batch"]),
        (["--micro-batch", "5", "--cpus", "2"], ["2 devices"]),
        (["--gpus", "0", "--cpus", "2"], ["--cpus 2", "leave one of them out"]),
        (["--momentum", "0.5", "--optimizer", "adam"], ["--momentum 0.5: works only with"]),
        (["--bottleneck-stride", "3x3"], ["--bottleneck-stride 3x3", "basic units"]),
        (
            ["--option", "A-preactivated"],
            ["--option A-preactivated changes nothing", "leave it out"],
        ),
        (
            ["--depth", "11", "--unit", "bottleneck", "--option", "A-preactivated"],
            ["--option A-preactivated is option A in original units", "write --option A"],
        ),
        (["--shortcut", "plain", "--option", "B"], ["--option B changes nothing"]),
        (["--shortcut-args", "bias=1,bias=2"], ["bias=1,bias=2", "once"]),
        (["--dtype", "float16", "--optimizer", "adam"], ["--dtype float16: works only with"]),
        (["--dtype", "float16"], ["no float16 convolutions on a CPU"]),
        (["--dtype", "float16", "--gpus", "0", "--kv-store", "dist_sync"], ["float32 only"]),
        (["--kv-store", "dist_sync"], ["training.cluster starts"]),
        (["--freeze", "all"], ["--freeze all", "--initial"]),
        (["--log-every", "0"], ["--log-every 0"]),
        (["--shortcut-args", "bias=x"], ["bias=-7"]),
        (["--shortcut-args", "bias=nan"], ["bias=-7"]),
        (["--shortcut-args", "bias=1e39"], ["bias=1e39", "float32", "3.4e+38"]),
        (["--steps", "5,b"], ["--steps"]),
        (["--steps", "-5"], ["--steps -5: iterations count from 1"]),
        (["--momentum", "0", "--nesterov"], ["--nesterov", "--momentum above 0"]),
        (["--weight-decay", "0", "--decay", "all"], ["--decay all", "--weight-decay above 0"]),
        (["--warmup-learning-rate", "1", "--warmup-iterations", "0"], ["no warm-up"]),
        (["--data-dir", "/nowhere"], ["/nowhere", "--data-dir"]),
        (["--seed", "-1"], ["--seed -1"]),
        (["--skip-unreadable"], ["--skip-unreadable is for --dataset pictures"]),
        (["--learning-rate", "-1"], ["--learning-rate"]),
        (["--output", "/dev/null/x"], ["/dev/null/x"]),
    ],
)
def test_mistake_gets_one_line(train, tmp_path, arguments, words):
    assert refused(train("--output", tmp_path / "run", *arguments), *words)
    assert not (tmp_path / "run").exists()
