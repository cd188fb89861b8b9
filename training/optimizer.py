"""A recipe as MXNet's objects: initial weights, learning rate, weight decay, momentum."""

import mxnet as mx

from .schedule import StepSchedule


def initializer(fan):
    """He et al.

    (2015) for every weight that does not bring its own: a Gaussian of variance 2 / fan-in (or
    fan-out).
    """
    return mx.init.MSRAPrelu(factor_type=fan, slope=0.0)


def decay_multipliers(symbol, scope):
    """{parameter: 0 or 1}: weight decay's scope. A variable that brings its own wd_mult keeps it.

    scope: `weights` is convolutions, gates and classifier; `all` takes in gamma, beta and biases
    too.
    """
    own = {name for name, attributes in symbol.attr_dict().items() if "__wd_mult__" in attributes}
    return {
        name: float(scope == "all" or name.endswith("_weight"))
        for name in symbol.list_arguments()
        if name not in own
    }


def schedule(recipe, updates=1):
    return StepSchedule(
        recipe.learning_rate,
        recipe.steps,
        recipe.warmup_iterations,
        recipe.warmup_learning_rate,
        updates,
    )


@mx.optimizer.register
class Nesterov(mx.optimizer.NAG):
    """MXNet's nag, with the weight decay put into the gradient beforehand.

    By itself it takes the decay inside the momentum from the weight that it has just written; or,
    where a test has had MKLDNN turn that weight into a layout of its own, from the one before. When
    that happens is a race: such a run does not repeat.
    """

    def update(self, index, weight, grad, state):
        decayed = grad + super()._get_wd(index) / self.rescale_grad * weight
        super().update(index, weight, decayed, state)

    def update_multi_precision(self, index, weight, grad, state):
        if not isinstance(state, tuple):
            return self.update(index, weight, grad, state)
        momentum, master = state
        self.update(index, master, grad.astype("float32"), momentum)
        mx.nd.cast(master, dtype="float16", out=weight)

    def _get_wd(self, index):
        return 0.0


def optimizer(recipe, symbol, done=0, updates=1):
    """SGD with momentum in Caffe's form, v = m v - rate g and w = w + v, or Nesterov's, or adam; g
    is the mean over the batch.

    done: iterations that a resumed run has behind it. Without it the learning rate would begin
    anew.
    updates: as the optimizer counts them, in each iteration.
    """
    if recipe.optimizer == "adam":
        name = "adam"
        constants = {"beta1": 0.9, "beta2": 0.99}
    else:
        name = "nesterov" if recipe.nesterov else "sgd"
        constants = {"momentum": recipe.momentum}
    made = mx.optimizer.create(
        name,
        **constants,
        lr_scheduler=schedule(recipe, updates),
        wd=recipe.weight_decay,
        rescale_grad=1 / recipe.batch_size,
        begin_num_update=done * updates,
        sym=symbol,
        multi_precision=True,
    )  # what is float16 in the network is float32 here
    made.set_wd_mult(decay_multipliers(symbol, recipe.decay))
    return made
