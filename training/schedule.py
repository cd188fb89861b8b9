"""The learning rate as a pure function of the iteration."""

import mxnet as mx


class StepSchedule(mx.lr_scheduler.LRScheduler):
    """base_lr, divided by 10 after each of the steps; warmup_lr in the first warmup_iterations.

    MXNet's MultiFactorScheduler returns the same numbers (with warmup_steps larger by one) but
    counts the steps that it has passed, so its result depends on the calls before.

    updates: optimizer updates in one iteration; an asynchronous server makes one for each worker.
    """

    def __init__(self, base_lr, steps, warmup_iterations, warmup_lr, updates=1):
        super().__init__(base_lr=base_lr)
        self._updates = updates
        self._base = base_lr
        self.steps = tuple(steps)
        self.warmup_iterations = warmup_iterations
        self.warmup_lr = warmup_lr

    def __call__(self, update):
        """Return the learning rate of an update; the first is 1."""
        iteration = -(-update // self._updates)
        if iteration <= self.warmup_iterations:
            return self.warmup_lr
        return self._base * 0.1 ** sum(iteration > step for step in self.steps)
