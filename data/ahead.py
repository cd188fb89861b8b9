"""Run calls in a pool of threads or processes before their results are needed."""

from collections import deque


def ahead(pool, function, calls, count):
    """Yield function(*arguments) for the arguments of each call, in order.

    count: the most calls in the pool, including the next one. Waiting calls are cancelled if the
    generator is closed.
    """
    waiting = deque()
    try:
        for arguments in calls:
            waiting.append(pool.submit(function, *arguments))
            if len(waiting) == count:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()
