"""The learning rate as a pure function of the iteration."""

import mxnet as mx


class StepSchedule(mx.lr_scheduler.LRScheduler):
    """base_lr, divided by 10 after each of the steps; the first warmup_iterations updates use
    warmup_lr instead.

    MXNet's MultiFactorScheduler gives the same numbers (with warmup_steps one larger, or its
    warm-up is one update
    short) but forgets where it is: it counts the steps that it has passed, so its answer depends on
    what it was asked before.
    """

    def __init__(self, base_lr, steps, warmup_iterations, warmup_lr, updates=1):
        """updates: what is counted as updates in one iteration; a server that waits for nobody
        updates once for each worker.
        """
        super().__init__(base_lr=base_lr)
        self._updates = updates
        self._base, self.steps = base_lr, tuple(steps)
        self.warmup_iterations, self.warmup_lr = warmup_iterations, warmup_lr

    def __call__(self, update):
        """The learning rate of an update, the first being 1."""
        iteration = -(-update // self._updates)
        if iteration <= self.warmup_iterations:
            return self.warmup_lr
        return self._base * 0.1 ** sum(iteration > step for step in self.steps)
