"""One update is v = m v - rate (g + decay w), w = w + v, with the learning rate inside v (Caffe's
form).
"""

import mxnet as mx
import numpy as np
import pytest
from cifar_options import read_options
from modules import bound

from training.optimizer import optimizer

STEPS = 6


def gradients_and_weights(recipe):
    """Train a linear layer with a gamma for a few steps: {name: [weights before and after each
    step]}, {name: [gradients]}.
    """
    data = mx.sym.Variable("data")
    gamma = mx.sym.Variable("scale_gamma", shape=(1, 3))
    fc = mx.sym.FullyConnected(mx.sym.broadcast_mul(data, gamma), num_hidden=2, name="fc")
    symbol = mx.sym.SoftmaxOutput(fc, name="softmax")
    module = bound(symbol, (4, 3))
    mx.random.seed(1)
    module.init_params(mx.init.Uniform(1))
    module.init_optimizer(optimizer=optimizer(recipe, symbol))
    group, state = module._exec_group, np.random.RandomState(2)

    def arrays(lists):
        mx.nd.waitall()
        return {
            name: array[0].asnumpy().astype(np.float64)
            for name, array in zip(group.param_names, lists)
        }

    weights, gradients = [arrays(group.param_arrays)], []
    for _ in range(STEPS):
        batch = mx.io.DataBatch(
            [mx.nd.array(state.normal(size=(4, 3)))], [mx.nd.array(state.randint(0, 2, 4))]
        )
        module.forward(batch, is_train=True)
        module.backward()
        module.update()
        gradients.append(arrays(group.grad_arrays))
        weights.append(arrays(group.param_arrays))
    return weights, gradients


@pytest.mark.parametrize("decay, nesterov", [("weights", False), ("all", False), ("weights", True)])
def test_update_is_the_papers(decay, nesterov):
    words = f"--steps 4,5 --warmup-iterations 2 --batch-size 4 --weight-decay 0.1 --decay {decay}"
    arguments = words.split() + ["--nesterov"] * nesterov
    recipe = read_options(arguments)[1]
    weights, gradients = gradients_and_weights(recipe)
    rates = [0.01, 0.01, 0.1, 0.1, 0.01, 0.001]
    for name in weights[0]:
        w, v = weights[0][name], 0
        for step, rate in enumerate(rates):
            decayed = 0.1 if decay == "all" or name == "fc_weight" else 0
            g = gradients[step][name] / 4
            v = 0.9 * v - rate * (g + decayed * w)
            w = w + 0.9 * v - rate * (g + decayed * w) if nesterov else w + v
            assert np.allclose(w, weights[step + 1][name], rtol=1e-5, atol=1e-6), (name, step)
