"""The lists of what a network's file may contain; everything else is refused.

This includes what a later version of the format adds.
"""

from typing import Final

_OPERATORS: Final = (
    "Add Sub Mul Div Neg Abs Sqrt Exp Log Pow Reciprocal Sign Floor Ceil Round Sin Cos Erf "
    "Min Max Clip Where Equal Greater GreaterOrEqual Less LessOrEqual And Or Not "
    "Relu LeakyRelu PRelu Elu Selu Gelu Tanh Sigmoid HardSigmoid Softplus Softsign Softmax "
    "LogSoftmax Gemm MatMul LayerNormalization GRU LSTM RNN "
    "ReduceSum ReduceMean ReduceMax ReduceMin ReduceProd "
    "Constant Identity Cast Concat Split Slice Gather Reshape Flatten Squeeze Unsqueeze "
    "Transpose"
)
OPERATORS: Final = frozenset(_OPERATORS.split())
"""No loops, no branches, no randomness, nothing that makes much out of little."""

REASONS: Final = {
    **dict.fromkeys(
        [
            "RandomUniform",
            "RandomUniformLike",
            "RandomNormal",
            "RandomNormalLike",
            "Bernoulli",
            "Multinomial",
            "Dropout",
        ],
        "a policy draws nothing at random, so leave out torch.rand and the like",
    ),
    "ArgMax": "compare with ReduceMax instead",
    "ArgMin": "compare with ReduceMin instead",
    "BatchNormalization": "write it as Sub and Mul with constants, or fold it into a layer",
}
"""What to do about operators that are often met and not allowed."""

FIELDS: Final = {
    "ModelProto": "ir_version opset_import producer_name producer_version domain model_version "
    "doc_string graph metadata_props",
    "OperatorSetIdProto": "domain version",
    "StringStringEntryProto": "key value",
    "GraphProto": "node name initializer doc_string input output value_info metadata_props",
    "NodeProto": "input output name op_type domain attribute doc_string metadata_props",
    "AttributeProto": "name type f i s t floats ints doc_string",
    "TensorProto": "dims data_type raw_data float_data int32_data int64_data double_data name "
    "doc_string data_location",
    "ValueInfoProto": "name type doc_string metadata_props",
    "TypeProto": "tensor_type denotation",
    "Tensor": "elem_type shape",
    "TensorShapeProto": "dim",
    "Dimension": "dim_value dim_param denotation",
}
"""Message -> its fields that may be set."""

INSIDE: Final = "save the weights inside the file: torch.onnx.export(..., external_data=False)"

MENDS: Final = {
    "functions": "inline them",
    "training_info": "export for inference",
    "external_data": INSIDE,
    "sparse_initializer": "store it densely",
    "sparse_tensor": "store it densely",
    "string_data": "use numbers",
    "strings": "use numbers",
    "g": "export without loops and branches",
    "graphs": "export without loops and branches",
}
"""Field that is not allowed -> what to do; others are to be left out."""
