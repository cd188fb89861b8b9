"""The recipe as MXNet's objects: initial weights, learning rate, weight decay, momentum."""
import mxnet as mx

from .schedule import StepSchedule


def initializer(fan):
    """He et al. (2015) for every weight that does not bring its own: a Gaussian of variance 2 / fan-in (or fan-out)."""
    return mx.init.MSRAPrelu(factor_type=fan, slope=0.0)


def decay_multipliers(symbol, scope):
    """{parameter: 0 or 1}: weight decay's scope. A variable that brings its own wd_mult keeps it.

    scope: `weights` is convolutions, gates and classifier; `all` takes in gamma, beta and biases too.
    """
    own = {name for name, attributes in symbol.attr_dict().items() if "__wd_mult__" in attributes}
    return {name: float(scope == "all" or name.endswith("_weight")) for name in symbol.list_arguments() if name not in own}


def schedule(recipe, updates=1):
    return StepSchedule(recipe["learning_rate"], recipe["steps"], recipe["warmup_iterations"], recipe["warmup_learning_rate"],
                        updates)


def optimizer(recipe, symbol, done=0, updates=1):
    """SGD with momentum in Caffe's form, v = m v - rate g and w = w + v, or Nesterov's; g is the mean over the batch.

    done: iterations that a resumed run has behind it. Without it the learning rate would begin anew.
    updates: as the optimizer counts them, in each iteration.
    """
    made = mx.optimizer.create(
        "nag" if recipe["nesterov"] else "sgd", lr_scheduler=schedule(recipe, updates), momentum=recipe["momentum"],
        wd=recipe["weight_decay"], rescale_grad=1 / recipe["batch_size"], begin_num_update=done * updates, sym=symbol,
        multi_precision=True)  # what is float16 in the network is float32 here
    made.set_wd_mult(decay_multipliers(symbol, recipe["decay"]))
    return made
