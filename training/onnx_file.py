"""A trained network as an ONNX file, by MXNet's own exporter. Needs the package onnx.

Input `data` (n, 3, height, width), any n; output `fc` (n, classes): what softmax makes
probabilities of. The exporter fails on SoftmaxOutput ("list index out of range"), and writes a mean
that no newer onnx takes; all that is mended is mended here.
"""

import json

import mxnet as mx

from common.errors import UserError

OPSET = 12  # the newest that MXNet 1.9.1 writes without mistakes
IR_VERSION = 7  # the file format of that time, which every reader knows


def content(symbol, arguments, states, image_size):
    """The file as bytes. symbol: float32, in MXNet's form. Raises UserError without onnx."""
    try:
        import onnx
    except ImportError as error:
        raise UserError(
            "--export onnx needs the package onnx, which is not among ours: "
            ".venv/bin/python -m pip install -r requirements/onnx.txt"
        ) from error
    from mxnet.onnx.mx2onnx._export_onnx import MXNetGraph

    network = exportable(symbol.get_internals()["fc_output"])
    graph = MXNetGraph().create_onnx_graph_proto(
        network,
        {**arguments, **states},
        [(1, 3, image_size, image_size)],
        [onnx.TensorProto.FLOAT],
        opset_version=OPSET,
        dynamic=True,
        dynamic_input_shapes=[("n", 3, image_size, image_size)],
    )
    # it names each weight among the inputs too, as if a caller had to bring them
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


def exportable(symbol):
    """The same function for a test, of operators that the exporter writes rightly.

    A mean over the picture becomes global pooling, and dropout goes: in a test it does nothing.
    """
    saved = json.loads(symbol.tojson())
    nodes = []
    places = []  # of each saved node: its number among the new ones

    def moved(entries):
        return [[places[i], *rest] for i, *rest in entries]

    for node in saved["nodes"]:
        node = {**node, "inputs": moved(node["inputs"])}
        if node["op"] == "Dropout":
            places.append(node["inputs"][0][0])
            continue
        if node["op"] == "mean" and node["attrs"].get("axis") == "(2, 3)":
            flat = node["attrs"].get("keepdims") != "True"
            pooling = {"global_pool": "True", "pool_type": "avg", "kernel": "(1, 1)"}
            node = {**node, "op": "Pooling", "attrs": pooling}
            if flat:
                nodes.append({**node, "name": f"{node['name']}_pooling"})
                shape = {"shape": "(0, -1)"}
                node = {**node, "op": "Reshape", "attrs": shape, "inputs": [[len(nodes) - 1, 0, 0]]}
        nodes.append(node)
        places.append(len(nodes) - 1)
    return mx.sym.load_json(
        json.dumps(
            {
                **saved,
                "nodes": nodes,
                "heads": moved(saved["heads"]),
                "arg_nodes": [],
                "node_row_ptr": [],
            }
        )
    )
