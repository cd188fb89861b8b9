"""How a benchmark speaks with a process that trains: a line of JSON each way.

Standard library alone.

{"depth": 20, "size": 32, "batch": 128, "dtype": "float32"}    -> {"parameters": 269722}
{"steps": 10}                                                  -> {"seconds": 1.7}
"""

import json
import sys


def serve(make):
    """Answer the lines of standard input until it ends.

    make(depth, size, batch, dtype) -> (number of parameters, a function that makes so many steps
    and says how many seconds they took)
    """
    seconds = None
    for line in sys.stdin:
        asked = json.loads(line)
        if "steps" in asked:
            answer = {"seconds": seconds(asked["steps"])}
        else:
            parameters, seconds = make(**asked)
            answer = {"parameters": parameters}
        print(json.dumps(answer), flush=True)
