"""A network ready to be asked: the same settings where it is examined and where it plays."""

import onnxruntime


def open_session(model: bytes) -> onnxruntime.InferenceSession:
    """A session on the processor, on one thread, with a fixed level of optimisation."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.enable_cpu_mem_arena = False
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(model, options, ["CPUExecutionProvider"])
