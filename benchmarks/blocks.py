"""The protocol between a benchmark and a process that trains: one line of JSON each way. This uses
only the standard library.

{"depth": 20, "size": 32, "batch": 128, "dtype": "float32"}    -> {"parameters": 269722}
{"steps": 10}                                                  -> {"seconds": 1.7}
"""

import json
import sys


def serve(prepare):
    """Answer the lines of standard input until it ends.

    prepare(depth, size, batch, dtype) -> (number of parameters, function of a number of steps that
    makes them and returns the seconds that they took)
    """
    seconds = None
    for line in sys.stdin:
        request = json.loads(line)
        if "steps" in request:
            answer = {"seconds": seconds(request["steps"])}
        else:
            parameters, seconds = prepare(**request)
            answer = {"parameters": parameters}
        print(json.dumps(answer), flush=True)
