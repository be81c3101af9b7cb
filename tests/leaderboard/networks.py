"""Networks for tests: a good one, and the parts to make bad ones of."""

import json

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from baselines.learners.ppo.decision import AroundRule
from p2p_market.registry import load_scenario

COLUMNS = AroundRule(load_scenario("classic-v0")).names
WIDTH = len(COLUMNS)
FLOAT = TensorProto.FLOAT
node = helper.make_node


def constant(name, values, dtype=np.float32):
    return numpy_helper.from_array(np.array(values, dtype=dtype), name)


def value(name, *shape, kind=FLOAT):
    return helper.make_tensor_value_info(name, kind, list(shape))


def network(
    nodes=None,
    constants=(),
    inputs=None,
    outputs=None,
    decision="around_rule",
    columns=COLUMNS,
    opset=17,
    **graph,
):
    """A model; without arguments a good one, whose output is the tanh of the sum of a row."""
    if nodes is None:
        nodes = [node("MatMul", ["rows", "w"], ["sum"]), node("Tanh", ["sum"], ["output"])]
        constants = [constant("w", np.full((WIDTH, 1), 0.001))]
    model = helper.make_model(
        helper.make_graph(
            nodes,
            "policy",
            inputs or [value("rows", "row", WIDTH)],
            outputs or [value("output", "row", 1)],
            list(constants),
            **graph,
        ),
        opset_imports=[helper.make_opsetid("", opset)],
        ir_version=8,
    )
    told = {"columns": columns if isinstance(columns, str) else json.dumps(columns)}
    helper.set_model_props(model, told | {"decision": decision})
    return model


def ending(*nodes, constants=(), **more):
    """A network in which these nodes make `x` of `rows`; the first column of it is put out."""
    last = node("Gather", ["x", "first"], ["output"], axis=1)
    return network([*nodes, last], [*constants, constant("first", [0], np.int64)], **more)


def remembering(width=3):
    """Counts steps in its state, and puts out the tanh of a tenth of the count."""
    sizes = {"one": np.ones((1, width)), "tenth": np.full((width, 1), 0.1 / width)}
    return network(
        [
            node("Add", ["state", "one"], ["next_state"]),
            node("MatMul", ["next_state", "tenth"], ["mean"]),
            node("MatMul", ["rows", "nothing"], ["zero"]),
            node("Add", ["mean", "zero"], ["all"]),
            node("Tanh", ["all"], ["output"]),
        ],
        [
            *(constant(name, values) for name, values in sizes.items()),
            constant("nothing", np.zeros((WIDTH, 1))),
        ],
        [value("rows", "row", WIDTH), value("state", "row", width)],
        [value("output", "row", 1), value("next_state", "row", width)],
    )


def mixing():
    """Puts out the tanh of the mean over all rows that it is shown together."""
    return network(
        [
            node("ReduceMean", ["rows"], ["mean"], axes=[0], keepdims=1),
            node("MatMul", ["mean", "w"], ["one"]),
            node("MatMul", ["rows", "nothing"], ["zero"]),
            node("Add", ["zero", "one"], ["sum"]),
            node("Tanh", ["sum"], ["output"]),
        ],
        [constant("w", np.full((WIDTH, 1), 0.001)), constant("nothing", np.zeros((WIDTH, 1)))],
    )
