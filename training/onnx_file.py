"""A trained network as an ONNX file, by MXNet's own exporter. Needs the package onnx.

Input: `data` (n, 3, height, width), any n. Output: `fc` (n, classes), the logits. This module works
around two bugs of the exporter: it fails on SoftmaxOutput ("list index out of range"), and newer
versions of onnx reject its mean.
"""

import json

from common.errors import UserError
from common.files import short, write_whole
from common.graph import Graph

from .export import INPUTS, ONNX

OPSET = 12  # the newest that MXNet 1.9.1 writes without mistakes
IR_VERSION = 7  # the file format of that time, which every reader knows


def content(symbol, arguments, states, image_size):
    """Return the file as bytes. symbol: float32, in MXNet's form. Raises UserError without onnx."""
    try:
        import onnx
    except ImportError as error:
        raise UserError(
            "--export onnx needs the package onnx, which make setup installs on Python 3.8 to "
            "3.12: .venv/bin/python -m pip install -r requirements/dev.txt"
        ) from error
    from mxnet.onnx.mx2onnx._export_onnx import MXNetGraph

    network = exportable(symbol.get_internals()["fc_output"])
    try:
        graph = MXNetGraph().create_onnx_graph_proto(
            network,
            {**arguments, **states},
            [(1, 3, image_size, image_size)],
            [onnx.TensorProto.FLOAT],
            opset_version=OPSET,
            dynamic=True,
            dynamic_input_shapes=[("n", 3, image_size, image_size)],
        )
    except AttributeError as error:  # an operator that the exporter does not know
        raise UserError(
            f"MXNet cannot write this network as ONNX: {short(error)}; export it in MXNet's form "
            "(make: FORMAT=mxnet)"
        ) from error
    # the exporter lists the weights among the inputs, too
    data = [value for value in graph.input if value.name == "data"]
    del graph.input[:]
    graph.input.extend(data)
    dimensions = graph.output[0].type.tensor_type.shape.dim
    dimensions[0].dim_param = "n"
    dimensions[1].dim_value = len(arguments["fc_bias"])
    model = onnx.helper.make_model(
        graph,
        opset_imports=[onnx.helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="MXNet",
    )
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString()


def write(folder, symbol, arguments, states, inputs):
    """Write network.onnx and inputs.json. Arguments and result as in export.write()."""
    paths = [folder / ONNX, folder / INPUTS]
    write_whole(paths[0], content(symbol, arguments, states, inputs["shape"][-1]))
    write_whole(paths[1], json.dumps(inputs) + "\n")
    return paths


def exportable(symbol):
    """Return the symbol in operators that the exporter writes correctly, equivalent in inference.

    A mean over the image becomes global pooling. Dropout, a no-op in inference, is removed.
    """
    graph = Graph(symbol)
    for node in list(graph.nodes):
        if node.op == "Dropout":
            graph.replace((node, 0), node.inputs[0])
        if node.op == "mean" and node.attributes.get("axis") == "(2, 3)":
            keeps_dimensions = node.attributes.get("keepdims") == "True"
            node.op = "Pooling"
            node.attributes = {"global_pool": "True", "pool_type": "avg", "kernel": "(1, 1)"}
            if not keeps_dimensions:
                graph.insert((node, 0), "Reshape", f"{node.name}_flat", shape="(0, -1)")
    return graph.symbol()
