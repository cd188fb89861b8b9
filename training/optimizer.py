"""A recipe as MXNet's objects: initial weights, learning rate, weight decay, momentum."""

import mxnet as mx


def initializer(fan):
    """Return the initializer of He et al. (2015): a Gaussian of variance 2 / fan.

    fan: `in` or `out`. A variable with an initializer keeps it.
    """
    return mx.init.MSRAPrelu(factor_type=fan, slope=0.0)


def decay_multipliers(symbol, scope):
    """Return {parameter: 0 or 1}: which parameters decay. A variable with its own wd_mult keeps it.

    scope: `weights` is convolutions, gates and classifier; `all` adds gamma, beta and biases.
    """
    own = {name for name, attributes in symbol.attr_dict().items() if "__wd_mult__" in attributes}
    return {
        name: float(scope == "all" or name.endswith("_weight"))
        for name in symbol.list_arguments()
        if name not in own
    }


class StepSchedule(mx.lr_scheduler.LRScheduler):
    """The learning rate of a recipe as a pure function of the iteration.

    MXNet's MultiFactorScheduler returns the same numbers (with warmup_steps larger by one) but
    counts the steps that it has passed, so its result depends on the calls before.
    """

    def __init__(self, recipe):
        super().__init__(base_lr=recipe.learning_rate)
        self._recipe = recipe

    def __call__(self, iteration):
        """Return the learning rate of an iteration; the first is 1."""
        recipe = self._recipe
        if iteration <= recipe.warmup_iterations:
            return recipe.warmup_learning_rate
        return recipe.learning_rate * 0.1 ** sum(iteration > step for step in recipe.steps)


@mx.optimizer.register
class Nesterov(mx.optimizer.NAG):
    """MXNet's nag, with the weight decay added to the gradient beforehand.

    MXNet's nag computes the decay from the weight that it has just written or, if a test has made
    MKLDNN reorder that weight, from the old one. This is a race, and such a run does not repeat.
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


def optimizer(recipe, symbol, done=0):
    """Return SGD with momentum, Nesterov's momentum, or adam.

    SGD has Caffe's form: v = m v - rate g and w = w + v, where g is the mean over the batch.

    done: iterations before this process, from which the learning rate continues.
    """
    name = "nesterov" if recipe.nesterov else "sgd"
    constants = {"momentum": recipe.momentum}
    if recipe.optimizer == "adam":
        name = "adam"
        # with adam's own learning rate, MXNet would warn that it replaces the scheduler's
        constants = {"beta1": 0.9, "beta2": 0.99, "learning_rate": recipe.learning_rate}
    rule = mx.optimizer.create(
        name,
        **constants,
        lr_scheduler=StepSchedule(recipe),
        wd=recipe.weight_decay,
        rescale_grad=1 / recipe.batch_size,
        begin_num_update=done,
        sym=symbol,
        multi_precision=True,  # a parameter that is float16 in the network is float32 here
    )
    rule.set_wd_mult(decay_multipliers(symbol, recipe.decay))
    return rule
