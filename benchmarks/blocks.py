"""The protocol between a benchmark and a process that trains: one line of JSON each way. This uses
only the standard library.

{"depth": 20, "size": 32, "batch": 128, "dtype": "float32"}    -> {"parameters": 269722}
{"steps": 10}                                                  -> {"seconds": 1.7}
"""

import json
import sys
import time


def seconds(train, steps):
    """Return the seconds that train(steps) takes."""
    began = time.monotonic()
    train(steps)
    return time.monotonic() - began


def serve(prepare):
    """Answer the lines of standard input until it ends.

    prepare(depth, size, batch, dtype) -> (number of parameters, function that makes a number of
    training steps)
    """
    train = None
    for line in sys.stdin:
        request = json.loads(line)
        if "steps" in request:
            answer = {"seconds": seconds(train, request["steps"])}
        else:
            parameters, train = prepare(**request)
            answer = {"parameters": parameters}
        print(json.dumps(answer), flush=True)
