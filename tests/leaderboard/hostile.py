"""Attack A09: networks that the gate has to refuse, and what it says."""

import numpy as np
from onnx import AttributeProto, TensorProto, helper

from tests.leaderboard.networks import (
    COLUMNS,
    FLOAT,
    WIDTH,
    constant,
    ending,
    network,
    node,
    remembering,
    value,
)

BIG = 2**40  # float32 numbers: 4 TiB
ENDLESS = 2**62
INT64 = TensorProto.INT64


def external(location):
    """Weights in another file."""
    model = network()
    weights = model.graph.initializer[0]
    weights.ClearField("raw_data")
    weights.data_location = TensorProto.EXTERNAL
    weights.external_data.add(key="location", value=location)
    return model


def domain(imported):
    """An operator of somebody else's."""
    model = ending(node("Evil", ["rows"], ["x"], domain="com.evil"))
    if imported:
        model.opset_import.append(helper.make_opsetid("com.evil", 1))
    return model


def function():
    """A function body, called like an operator."""
    model = network()
    body = [node("Relu", ["a"], ["b"])]
    model.functions.append(
        helper.make_function("", "Tanh", ["a"], ["b"], body, [helper.make_opsetid("", 17)])
    )
    return model


def loop(trips=ENDLESS):
    """Runs for ever."""
    same = node("Identity", ["going"], ["still"]), node("Identity", ["v"], ["w"])
    body = helper.make_graph(
        same,
        "body",
        [value("n", kind=INT64), value("going", kind=TensorProto.BOOL), value("v", "row", WIDTH)],
        [value("still", kind=TensorProto.BOOL), value("w", "row", WIDTH)],
    )
    return ending(
        node("Loop", ["trips", "", "rows"], ["x"], body=body),
        constants=[constant("trips", trips, np.int64)],
    )


def branch():
    body = helper.make_graph([node("Relu", ["rows"], ["r"])], "b", [], [value("r", "row", WIDTH)])
    return ending(
        node("If", ["yes"], ["x"], then_branch=body, else_branch=body),
        constants=[constant("yes", True, np.bool_)],
    )


def scan():
    body = helper.make_graph(
        [node("Identity", ["a"], ["b"])], "b", [value("a", WIDTH)], [value("b", WIDTH)]
    )
    return ending(node("Scan", ["rows"], ["x"], body=body, num_scan_inputs=1))


def filled():
    """4 TiB of a constant, made by an operator."""
    return ending(
        node("ConstantOfShape", ["size"], ["huge"]),
        node("ReduceSum", ["huge"], ["sum"], keepdims=0),
        node("Add", ["rows", "sum"], ["x"]),
        constants=[constant("size", [BIG], np.int64)],
    )


def expanded(operator):
    return ending(
        node(operator, ["one", "size"], ["huge"]),
        node("ReduceSum", ["huge"], ["sum"], keepdims=0),
        node("Add", ["rows", "sum"], ["x"]),
        constants=[constant("one", [1.0]), constant("size", [BIG], np.int64)],
    )


def declared():
    """4 TiB by its shape, nothing in the file."""
    model = network()
    model.graph.initializer[0].dims[:] = [WIDTH, BIG // WIDTH]
    return model


def outer(side):
    """Much out of little by broadcasting."""
    return ending(
        node("Add", ["tall", "wide"], ["huge"]),
        node("ReduceSum", ["huge"], ["sum"], keepdims=0),
        node("Add", ["rows", "sum"], ["x"]),
        constants=[constant("tall", np.ones((side, 1))), constant("wide", np.ones((1, side)))],
    )


def every_pair():
    """Rows times rows."""
    return ending(
        node("Transpose", ["rows"], ["turned"]),
        node("MatMul", ["rows", "turned"], ["pairs"]),
        node("MatMul", ["pairs", "rows"], ["x"]),
    )


def last(name):
    return node("Identity", [name], ["x"])


def many(count):
    nodes = [node("Relu", [f"v{n}"], [f"v{n + 1}"]) for n in range(count)]
    return ending(
        node("Identity", ["rows"], ["v0"]), *nodes, node("Identity", [f"v{count}"], ["x"])
    )


def million_nodes():
    """A million nodes in two bytes each."""
    return network().SerializeToString() + b"\x3a\x80\x89\x7a" + b"\x0a\x00" * 10**6


def cycle():
    return ending(node("Add", ["rows", "b"], ["a"]), node("Relu", ["a"], ["b"]),
                  node("Relu", ["a"], ["x"]))  # fmt: skip


def twice():
    return ending(node("Relu", ["rows"], ["x"]), node("Tanh", ["rows"], ["x"]))


def attribute(kind, **fields):
    """A Constant with such an attribute."""
    made = node("Constant", [], ["x"])
    made.attribute.append(AttributeProto(type=kind, **fields))
    return ending(made)


def infinite():
    held = helper.make_tensor("", FLOAT, [1], [np.inf])
    return ending(node("Constant", [], ["far"], value=held), node("Add", ["rows", "far"], ["x"]))


def tensor(**changes):
    """The good network with other weights."""
    model = network()
    for name, new in changes.items():
        model.graph.initializer[0].ClearField("raw_data")
        if name == "data_type":
            model.graph.initializer[0].data_type = new
        else:
            getattr(model.graph.initializer[0], name).extend(new)
    return model


def with_field(change):
    model = network()
    change(model)
    return model


def sparse():
    model = network()
    dense = helper.make_tensor("s", FLOAT, [1], [1.0])
    places = helper.make_tensor("i", INT64, [1], [0])
    model.graph.sparse_initializer.append(helper.make_sparse_tensor(dense, places, [BIG]))
    return model


def lying():
    """Says of a value that it is small."""
    model = outer(4096)
    model.graph.value_info.append(value("huge", 1, 1))
    return model


def picked():
    """An index that is out of range."""
    return ending(
        node("Gather", ["rows", "far"], ["x"], axis=1),
        constants=[constant("far", [WIDTH], np.int64)],
    )


def shaped_by_data():
    """A value whose number of axes is known at play alone."""
    return ending(
        node("ReduceSum", ["rows"], ["sum"]),
        node("Cast", ["sum"], ["whole"], to=INT64),
        node("Reshape", ["whole", "line"], ["axes"]),
        node("Unsqueeze", ["rows", "axes"], ["odd"]),
        node("ReduceSum", ["odd"], ["total"], keepdims=0),
        node("Add", ["rows", "total"], ["x"]),
        constants=[constant("line", [1], np.int64)],
    )


def half_remembering():
    model = remembering()
    del model.graph.output[1]
    return model


def forgetting():
    model = remembering()
    model.graph.output[1].type.tensor_type.shape.dim[1].dim_value = 2
    return model


def axes():
    model = remembering()
    model.graph.input[1].type.tensor_type.shape.dim[0].dim_param = "other"
    return model


HOSTILE = {
    "external, outside": (lambda: external("../../etc/passwd"), "save the weights inside the file"),
    "external, absolute": (lambda: external("/etc/passwd"), "external_data is not allowed"),
    "external, beside it": (lambda: external("weights.bin"), "external_data is not allowed"),
    "external by location": (lambda: with_field(lambda m: setattr(
        m.graph.initializer[0], "data_location", 1)), "constant 'w': has external data"),
    "custom domain": (lambda: domain(True), "only ONNX's own"),
    "custom domain, not told": (lambda: domain(False), "operator com.evil.Evil is not allowed"),
    "known name, custom domain": (lambda: ending(node("Relu", ["rows"], ["x"], domain="com.evil")),
        "operator com.evil.Relu is not allowed"),
    "function": (function, "functions is not allowed; inline them"),
    "Loop": (loop, "g is not allowed; export without loops"),
    "If": (branch, "g is not allowed"),
    "Scan": (scan, "g is not allowed"),
    "RandomNormal": (lambda: ending(node("RandomNormalLike", ["rows"], ["x"])), "leave out torch"),
    "RandomUniform": (lambda: ending(node("RandomUniformLike", ["rows"], ["x"])), "RandomUniform"),
    "Bernoulli": (lambda: ending(node("Bernoulli", ["rows"], ["x"])), "operator Bernoulli is not"),
    "4 TiB, filled": (filled, "operator ConstantOfShape is not allowed; docs/leaderboard.md"),
    "4 TiB, expanded": (lambda: expanded("Expand"), "operator Expand is not allowed"),
    "4 TiB, tiled": (lambda: expanded("Tile"), "operator Tile is not allowed"),
    "4 TiB, declared": (declared, "constant 'w': has shape"),
    "4 TiB, broadcast": (lambda: outer(900_000), "'huge': has 810000000000 numbers per row"),
    "shape that lies": (lying, "'huge': has 16777216 numbers per row"),
    "rows times rows": (every_pair, "'pairs': has shape ['row', 'row']; fix all sizes"),
    "many nodes": (lambda: many(2000), "nodes or constants; it may have 2000"),
    "large values": (lambda: ending(*[
        node("Concat", [f"v{n}"] * 4, [f"v{n + 1}"], axis=1) for n in range(9)], last("v9"),
        constants=[constant("v0", np.ones((4, 4)))]), "numbers per row; at most"),
    "many large values": (lambda: ending(*[
        node("Relu", [f"v{n}"], [f"v{n + 1}"]) for n in range(10)], last("v10"),
        constants=[constant("v0", np.ones((1, 900_000)))]), "per row; at most 8388608, make"),
    "a million nodes": (million_nodes, "it may have 2000, simplify it"),
    "cycle": (cycle, "'b' is used before it is computed; sort the nodes and remove cycles"),
    "made twice": (twice, "'x' is computed twice; give each value its own name"),
    "never made": (lambda: network([node("Tanh", ["rows"], ["y"])]), "'output' is never computed"),
    "truncated": (lambda: network().SerializeToString()[:-7], "was cut off; export it again"),
    "no protobuf": (lambda: b"\x80\x04K\x01.", "is not an ONNX model"),
    "empty": (lambda: b"", "uses the operator sets []"),
    "too large": (lambda: bytes(11 * 2**20), "has more than 10485760 bytes; make it smaller"),
    "NaN": (lambda: network(constants=[constant("w", np.full((WIDTH, 1), np.nan))], nodes=[
        node("MatMul", ["rows", "w"], ["output"])]), "constant 'w': has NaN or infinite numbers"),
    "infinity inside": (infinite, "constant '': has NaN or infinite numbers; check the training"),
    "NaN in an attribute": (lambda: ending(node("Elu", ["rows"], ["x"], alpha=np.nan)),
        "alpha is NaN or infinite; use finite numbers"),
    "infinity in a list": (lambda: ending(node("Constant", [], ["x"], value_floats=[np.inf])),
        "value_floats is NaN or infinite"),
    "strings on the way": (lambda: ending(node("Cast", ["rows"], ["text"], to=TensorProto.STRING),
        node("Cast", ["text"], ["x"], to=FLOAT)), "'text': holds texts; use numbers"),
    "strings": (lambda: tensor(data_type=8, string_data=[b"a"] * WIDTH), "string_data is not allo"),
    "string type": (lambda: tensor(data_type=8), "data type 8; use float32, int64 or bool"),
    "string constant": (lambda: attribute(3, name="value_string", s=b"a"), "is a text; use num"),
    "long text": (lambda: ending(node("Relu", ["rows"], ["x"], direction="x" * 65)),
        "direction is a text; use numbers"),
    "strings constant": (lambda: attribute(8, name="v", strings=[b"a"]), "strings is not allowed"),
    "sparse": (sparse, "sparse_initializer is not allowed; store it densely"),
    "sparse constant": (lambda: attribute(11, name="sparse_value",
        sparse_tensor=sparse().graph.sparse_initializer[0]), "sparse_tensor is not allowed"),
    "training": (lambda: with_field(lambda m: m.training_info.add()), "export for inference"),
    "unknown field": (lambda: network().SerializeToString() + b"\xfa\x3f\x04evil",
        "fields that ONNX does not know; export it again"),
    "old operators": (lambda: network(opset=9), "17 to 21; export it again with opset_version=17"),
    "new operators": (lambda: network(opset=99), "opset 99: must be 17 to 21"),
    "two operator sets": (lambda: with_field(
        lambda m: m.opset_import.append(helper.make_opsetid("", 18))), "only ONNX's own"),
    "new format": (lambda: with_field(lambda m: setattr(m, "ir_version", 99)),
        "ir_version 99: must be 7 to 10; export it again"),
    "too few numbers": (lambda: tensor(float_data=[1.0]), "does not hold its"),
    "no numbers": (lambda: with_field(lambda m: m.graph.initializer[0].ClearField("raw_data")),
        "does not hold its"),
    "two stores": (lambda: with_field(lambda m: m.graph.initializer[0].float_data.append(1.0)),
        "does not hold its"),
    "negative": (lambda: with_field(lambda m: m.graph.initializer[0].dims.__setitem__(0, -1)),
        "constant 'w': has shape"),
    "many axes": (lambda: with_field(lambda m: m.graph.initializer[0].dims.extend([1] * 9)),
        "in 8 axes, make it smaller"),
    "many parameters": (lambda: network(constants=[
        constant(f"w{n}", np.ones(10**6)) for n in range(2)] + [constant("w", np.ones((WIDTH, 1)))],
        nodes=[node("MatMul", ["rows", "w"], ["output"])]), "it may have 2000000, make it smaller"),
    "other input": (lambda: network(inputs=[value("x", "row", WIDTH)], nodes=[
        node("Tanh", ["x"], ["output"])]), "its inputs are ['x']; they must be 'rows', or 'rows'"),
    "more inputs": (lambda: network(inputs=[value(name, "row", WIDTH) for name in (
        "rows", "state", "more")]), "its inputs are ['rows', 'state', 'more']"),
    "fixed rows": (lambda: network(inputs=[value("rows", 1, WIDTH)]), "with a free number of rows"),
    "free columns": (lambda: network(inputs=[value("rows", "row", "column")]), "number of columns"),
    "wide": (lambda: network(inputs=[value("rows", "row", 1025)]), "at most 1024; export with"),
    "integers": (lambda: network(inputs=[value("rows", "row", WIDTH, kind=INT64)]), "be float32"),
    "three axes": (lambda: network(outputs=[value("output", "row", 1, 1)]), "be float32 of shape"),
    "another shape": (lambda: network(outputs=[value("output", "row", 2)]),
        "'output': has another shape than declared; export it again"),
    "state, not given back": (half_remembering, "state has 3 numbers and next_state 0"),
    "state of two sizes": (forgetting, "state has 3 numbers and next_state 2; both must"),
    "two axes": (axes, "the axis of the rows has the names ['other', 'row']; give it one"),
    "columns, too few": (lambda: network(columns=COLUMNS[:-1]), "columns and the metadata's"),
    "columns, deep": (lambda: network(columns="[" * 10_000), "is not a JSON list of names"),
    "columns, long": (lambda: network(columns='["' + "x" * 20_000 + '"]'), "within 16384 bytes"),
    "columns, numbers": (lambda: network(columns="[NaN, 1e999]"), "is not a JSON list of names"),
    "no metadata": (lambda: with_field(lambda m: m.ClearField("metadata_props")),
        "its metadata lack 'columns' and 'decision'; add it with onnx"),
    "wrong arguments": (lambda: ending(node("MatMul", ["rows"], ["x"])), "is not valid"),
    "wrong sizes": (lambda: ending(node("MatMul", ["rows", "w"], ["x"]),
        constants=[constant("w", np.ones((WIDTH + 1, 1)))]), "is not valid"),
    "part of the rows": (lambda: ending(node("Slice", ["rows", "a", "b"], ["x"]), constants=[
        constant("a", [0, 0], np.int64), constant("b", [1, WIDTH], np.int64)]), "fix all sizes"),
    "shape out of data": (shaped_by_data, "'odd': its shape cannot be inferred; fix all sizes"),
    "nothing": (lambda: ending(
        node("Slice", ["rows", "a", "a", "axis"], ["none"]),
        node("ReduceSum", ["none", "axis"], ["sum"]), node("Add", ["rows", "sum"], ["x"]),
        constants=[constant("a", [1], np.int64), constant("axis", [1], np.int64)]),
        "'none': has shape ['row', 0]; fix all sizes"),
    "out of range": (picked, "does not run"),
    "infinite answer": (lambda: ending(node("Log", ["rows"], ["x"])),
        "output: is NaN or infinite for rows of zeros; check its divisions"),
}  # fmt: skip
"""Name -> how it is made, and what the gate says."""


def as_bytes(made):
    """A model or bytes, as bytes."""
    return made if isinstance(made, bytes) else made.SerializeToString()
