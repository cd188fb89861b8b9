"""Checks of a complete network: unique names, known initial values, matching shapes.

A mistake is a UserError of one line that names the variant's file and the line.
"""

import collections
import contextlib
import io
import re

import mxnet as mx

from common.errors import UserError
from common.graph import INPUTS, Graph

from .contract import one_line
from .naming import location

# Endings of names for which MXNet's initializers have a rule.
INITIALIZED = ("weight", "bias", "gamma", "beta")


def check(symbol, units, size, path):
    """Raise UserError if the network cannot be trained.

    units: [(unit, symbol)], in order; each symbol must have the shape of its unit's output. size:
    the images' height and width. path: the file that a message names if the line is unknown.
    """
    places = {}
    for unit, _ in units:
        places.update(unit.layers.places)

    def blame(name):
        """Return the line that builds a layer, or that uses a variable."""
        readers = [
            node.name
            for node in Graph(symbol).nodes
            if name in [source.name for source, _ in node.inputs]
        ]
        for layer in (name, *readers):
            if places.get(layer):
                return location(*places[layer])
        return path

    check_inputs(symbol, units, blame)
    check_parameters(symbol, blame)
    try:
        check_stem(units[0][0], size, path, blame)
        outputs = infer(symbol, size, blame)
        check_shapes(units, outputs, blame)
        check_starts(symbol, outputs, blame)
    except mx.MXNetError as error:
        check_earlier_units(units, size, blame)
        operator = re.search(r"Error in operator (\w+)", str(error))
        where = blame(operator[1]) if operator else path
        raise UserError(f"{where}: the layers do not fit together: {one_line(error)}") from error


def check_earlier_units(units, size, blame):
    """Check each unit up to the first that fails, because its shape can make a later layer fail."""
    with contextlib.suppress(mx.MXNetError):
        for unit, output in units:
            check_shapes([(unit, output)], infer(output, size, blame), blame)


def check_inputs(symbol, units, blame):
    """Check that the network's output depends on the images."""
    if "data" in symbol.list_arguments():
        return
    for unit, output in units:
        if "data" not in output.list_arguments():
            raise UserError(
                f"{blame(output.name)}: the output of {unit.name} does not depend on its input x"
            )
    raise UserError(f"{blame(symbol.name)}: after_last_unit does not use x")


def check_residuals(symbol, variants, shortcut):
    """Check that the network uses the shortcut's file, and that join uses f in some unit."""
    if not variants.residuals and shortcut != "identity":
        raise UserError(
            f"{variants.path}: residual_unit does not call unit.join, so shortcut '{shortcut}' would "
            "change nothing: end the unit with unit.join, or leave the shortcut out"
        )
    outputs = set(symbol.get_internals().list_outputs())
    if variants.residuals and outputs.isdisjoint(variants.residuals):
        raise UserError(
            f"{variants.shortcut_path}: join does not use f, the output of the residual function: "
            "add it"
        )


def check_starts(symbol, outputs, blame):
    """Check that each parameter's shape fits its initializer: a vector has no value of a weight."""
    attributes = symbol.attr_dict()
    for name in symbol.list_arguments():
        init = attributes.get(name, {}).get("__init__")
        if not init and name.endswith("weight") and len(outputs[name]) < 2:
            raise UserError(f"{blame(name)}: '{name}' has no initial value: {advice(name)}")
        try:  # as MXNet does when training begins
            if init:
                start = mx.init.InitDesc(name, {"__init__": init})
                mx.init.Zero()(start, mx.nd.zeros(outputs[name]))
        except ValueError as error:
            raise UserError(
                f"{blame(name)}: '{name}' cannot have this initial value: {error}"
            ) from error


def check_parameters(symbol, blame):
    """Check that each parameter has a unique name and an initial value."""
    arguments = symbol.list_arguments()
    attributes = symbol.attr_dict()
    for name, count in collections.Counter(arguments + symbol.list_auxiliary_states()).items():
        if count > 1:
            raise UserError(
                f"{blame(name)}: {count} variables are called '{name}': {advice(name, True)}, which "
                "puts the unit's name before it"
            )
    for name in arguments:
        is_known = name in INPUTS or name.endswith(INITIALIZED)
        if not is_known and "__init__" not in attributes.get(name, {}):
            raise UserError(f"{blame(name)}: '{name}' has no initial value: {advice(name)}")


def advice(name, is_in_unit=False):
    short = re.sub("^stage[0-9]+_unit[0-9]+_", "", name)
    if short == name and not is_in_unit:  # of after_conv1 or after_last_unit, which get no unit
        return f'write mx.sym.Variable("{name}", init=mx.init.Zero(), shape=(1,))'
    return f'write unit.variable("{short}", init=0, shape=(1,))'


def infer(symbol, size, blame):
    """Return {output: shape} of all layers for a batch of 2, which a shape for 1 image does not fit.

    Raises MXNetError, or UserError if a shape is unknown or a type does not fit.
    """
    internals = symbol.get_internals()
    with contextlib.redirect_stdout(io.StringIO()):  # infer_shape prints before it raises
        arguments, outputs, _ = internals.infer_shape_partial(data=(2, 3, size, size))
        internals.infer_type_partial(data="float32")
    for name, shape in zip(internals.list_arguments(), arguments):
        if not shape or 0 in shape or -1 in shape:
            raise UserError(f"{blame(name)}: the shape of '{name}' is unknown: {advice(name)}")
    return dict(zip(internals.list_outputs(), outputs))


def check_stem(first, size, path, blame):
    """Check that after_conv1 keeps the channels of the first convolution."""
    channels = infer(first.input, size, blame)[first.input.list_outputs()[0]][1]
    if channels != first.channels_in:
        raise UserError(
            f"{path}: after_conv1 returns {channels} channels and must keep the "
            f"{first.channels_in} of conv1"
        )


def check_shapes(units, outputs, blame):
    """Check each unit's output: its channels, and its input's size divided by the stride."""
    for unit, output in units:
        source = unit.input.list_outputs()[0]
        if source not in outputs:
            raise UserError(
                f"{blame(output.name)}: the output of {unit.name} does not depend on its input x"
            )
        _, _, height, width = outputs[source]
        expected = (unit.channels, -(-height // unit.stride), -(-width // unit.stride))
        shape = outputs.get(output.list_outputs()[0])  # None: residual_unit does not use it
        if shape and shape[1:] != expected:
            raise UserError(
                f"{blame(output.name)}: the output of {unit.name} has the shape {shape[1:]}, and "
                f"must have {expected} (channels, height, width)"
            )
