"""Files of symbols/shortcuts/ and symbols/activations/ with a mistake, and words of its message.

python bad_variants.py      # in the root of a copy of the source that has them: {file: message} as
JSON
"""

import json

MX = "import mxnet as mx\n"
LAYERS = "from ..layers import batch_norm, convolution, relu\n"
SHORTCUTS = {  # name: (content, what the message has in it)
    "syntax": (
        "def join(x, f, unit)\n    return x + f\n",
        "line 1: cannot be imported: SyntaxError",
    ),
    "null": ("def join(x, f, unit):\n    return x + f\n\0", "cannot be imported: "),
    "raises": ("x = 1\nx / 0\n", "line 2: cannot be imported: ZeroDivisionError"),
    "exits": ("import sys\nsys.exit(0)\n", "line 2: cannot be imported: SystemExit"),
    "lacks_join": ("h = 1\n", "define join(x, f, unit[, projection], constant=number, ...)"),
    "too_few": (
        "\n\ndef join(x, f):\n    return x + f\n",
        "line 3: this breaks the contract: define join(x, f, unit",
    ),
    "too_many": ("def join(x, f, unit, scale):\n    return x + f\n", "line 1: "),
    "swapped": (
        "def join(f, x, unit):\n    return x + f\n",
        "line 1: this breaks the contract: define join(x, f, unit",
    ),
    "word": ('def join(x, f, unit, how="sum"):\n    return x + f\n', "line 1: "),
    "any_number": ("def join(x, f, *unit):\n    return x + f\n", "line 1: "),
    "nothing": (
        "def join(x, f, unit):\n    x + f\n",
        "line 1: join must return a symbol with one output, and it returned NoneType",
    ),
    "grouped": (MX + "def join(x, f, unit):\n    return mx.sym.Group([x, f])\n", "one with 2"),
    "helper": (
        "def half(x):\n    return x.nothing\n\ndef join(x, f, unit):\n    return half(x) + f\n",
        "line 2: join failed: AttributeError",
    ),
    "channels": (
        MX + "def join(x, f, unit):\n    return mx.sym.concat(x, f, dim=1)\n",
        "line 3: the output of stage1_unit1 has the shape (32, 32, 32), and must have (16, 32, 32)",
    ),
    "misfits": (
        MX + LAYERS + "def join(x, f, unit):\n    return x + convolution(f, 7, 1)\n",
        "line 4: the layers do not fit together: Incompatible attr in node stage1_unit1__plus0",
    ),
    "one_image": (
        MX + "def join(x, f, unit):\n    zeros = mx.sym.zeros(shape=(1, unit.channels, 1, 1))\n"
        "    return x + f + mx.sym.broadcast_like(zeros, x, lhs_axes=(2, 3), rhs_axes=(2, 3))\n",
        "line 4: the layers do not fit together: ",
    ),
    "type": (
        MX + 'def join(x, f, unit):\n    return x + mx.sym.Cast(f, dtype="float16")\n',
        "the layers do not fit together: ",
    ),
    "fixed_name": (
        MX + 'def join(x, f, unit):\n    alpha = mx.sym.Variable("alpha", init=mx.init.One(), '
        "shape=(1,))\n    return mx.sym.broadcast_mul(x, alpha) + f\n",
        "line 4: 3 variables are called 'alpha': write unit.variable(\"alpha\"",
    ),
    "no_start": (
        MX
        + 'def join(x, f, unit):\n    alpha = mx.sym.Variable(unit.name + "_alpha", shape=(1,))\n'
        "    return mx.sym.broadcast_mul(x, alpha) + f\n",
        "line 4: 'stage1_unit1_alpha' has no initial value: write unit.variable(\"alpha\"",
    ),
    "wrong_init": (
        'def join(x, f, unit):\n    return x * unit.variable("alpha", init="one") + f\n',
        "line 2: init of 'alpha' is 'one': give a number",
    ),
    "no_shape": (
        MX + 'def join(x, f, unit):\n    alpha = unit.variable("alpha", init=1)\n'
        "    return mx.sym.broadcast_mul(x, alpha) + f\n",
        "line 3: the shape of 'stage1_unit1_alpha' is unknown",
    ),
    "vector": (
        MX + 'def join(x, f, unit):\n    alpha = unit.variable("alpha", mx.init.Xavier(), (1,))\n'
        "    return mx.sym.broadcast_mul(x, alpha) + f\n",
        "line 3: ",
    ),
    "vector_without_a_shape": (
        MX + 'def join(x, f, unit):\n    gamma = unit.variable("gamma", mx.init.Xavier())\n'
        "    return x + mx.sym.BatchNorm(f, gamma=gamma)\n",
        "line 3: 'stage1_unit1_gamma' cannot have this initial value: ",
    ),
    "vector_with_a_start": (
        MX + "def join(x, f, unit):\n"
        '    name = unit.name + "_alpha"\n'
        "    alpha = mx.sym.Variable(name, init=mx.init.Xavier(), shape=(1,))\n"
        "    return mx.sym.broadcast_mul(x, alpha) + f\n",
        "line 5: 'stage1_unit1_alpha' cannot have this initial value: ",
    ),
    "projects": (
        "def join(x, f, unit):\n    return unit.project(x) + f\n",
        "line 2: the unit has its projection already",
    ),
    "twice": (
        LAYERS + 'def join(x, f, unit):\n    f = convolution(f, unit.channels, 3, "more")\n'
        '    return x + convolution(f, unit.channels, 3, "more")\n',
        "line 4: the name 'more' is used twice in one unit",
    ),
    "forgets_its_input": (
        MX
        + 'def join(x, f, unit):\n    return unit.variable("alpha", init=0, shape=(1, 16, 8, 8))\n',
        "line 3: the output of stage1_unit1 does not depend on its input x",
    ),
    "forgets_f": (
        "def join(x, f, unit):\n    return x * 2\n",
        "join does not use f, the output of the residual function",
    ),
    "vector_called_weight": (
        MX + 'def join(x, f, unit):\n    name = unit.name + "_alpha_weight"\n'
        "    return mx.sym.broadcast_mul(x, mx.sym.Variable(name, shape=(1,))) + f\n",
        "line 4: 'stage1_unit1_alpha_weight' has no initial value: write unit.variable(",
    ),
    "Capitals": ("def join(x, f, unit):\n    return x + f\n", "rename the file"),
    "mine2": ("def join(x, f, unit):\n    return x + f\n", "ends in a letter"),
}
ACTIVATIONS = {
    "stem": (
        (
            "def after_conv1(x):\n    return x.slice_axis(axis=1, begin=0, end=8)\n\ndef"
            " residual_unit(x, unit):\n    return unit.join(x, unit.weights[0](unit.weights[1](x)),"
            " None)\n"
        ),
        "after_conv1 returns 8 channels and must keep the 16 of conv1",
    ),
    "no_stride": (
        LAYERS
        + 'def residual_unit(x, unit):\n    return convolution(x, unit.channels, 3, "conv1")\n',
        "line 3: the output of stage2_unit1 has the shape (32, 32, 32), and must have (32, 16, 16)",
    ),
    "no_end": (
        (
            "def residual_unit(x, unit):\n    return unit.join(x,"
            " unit.weights[1](unit.weights[0](x)), x)\n\ndef after_last_unit(x):\n"
            "    import mxnet as mx\n    return mx.sym.zeros((1, 64, 8, 8), name='end')\n"
        ),
        "does not use x",
    ),
    "no_sum": (
        "def residual_unit(x, unit):\n    return unit.join(x, None, x)\n",
        "line 2: unit.join got NoneType as f",
    ),
    "end_without_a_start": (
        (
            "import mxnet as mx\nfrom .original import residual_unit  # noqa: F401\n\n"
            "def after_last_unit(x):\n"
            "    return mx.sym.broadcast_mul(x, mx.sym.Variable('alpha', shape=(1,)))\n"
        ),
        "'alpha' has no initial value: write mx.sym.Variable(\"alpha\"",
    ),
    "imported": (
        "from ..layers import relu as residual_unit\n",
        "imported.py: this breaks the contract",
    ),
    "older_input": (
        (
            "FIRST = []\n\n\ndef residual_unit(x, unit):\n    del FIRST[unit.index - 1 :]\n"
            "    FIRST.append(x)\n    y = unit.weights[1](unit.weights[0](FIRST[0]))\n"
            "    return y if unit.index == 2 else unit.join(x, y, None)\n"
        ),
        "the output of stage2_unit1 does not depend on its input x",
    ),
    "half": (
        "def residual_unit(x, unit):\n    return unit.join(x, unit.weights[0](x), x)\n",
        "residual_unit uses 1 of the 2 unit.weights: use all of them, or layers of your own",
    ),
    "two_defaults": (
        (
            "def residual_unit(x, unit, beta=1.0):\n    return x\n\n"
            "def after_last_unit(x, beta=2.0):\n    return x\n"
        ),
        "line 4: 'beta' has another default",
    ),
}
FILES = {
    f"{folder}/{name}": case
    for folder, cases in (("shortcuts", SHORTCUTS), ("activations", ACTIVATIONS))
    for name, case in cases.items()
}


def messages():
    """{file: the message of get_symbol's error}"""
    import common  # noqa: F401 (MXNet's environment)
    from common.errors import UserError
    from symbols import get_symbol

    output = {}
    for file in FILES:
        folder, name = file.split("/")
        try:
            get_symbol(8, **{folder[:-1]: name})
            output[file] = ""
        except UserError as error:
            output[file] = str(error)
    return output


if __name__ == "__main__":
    print(json.dumps(messages()))
