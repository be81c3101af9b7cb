import json

import onnx
import torch

PATH = "my-agent/policy.onnx"  # of `init`: its metadata say what a row is, and stay
told = {one.key: one.value for one in onnx.load(PATH).metadata_props}
columns = json.loads(told["columns"])

network = torch.nn.Sequential(
    torch.nn.Linear(len(columns), 32),
    torch.nn.Tanh(),
    torch.nn.Linear(32, 1),  # as many outputs as the decision asks for
    torch.nn.Tanh(),
)
# Train it here. Rows are in physical units: scale them in the network, as a layer of it.

torch.onnx.export(
    network,
    (torch.zeros(2, len(columns)),),
    PATH,
    input_names=["rows"],
    output_names=["output"],
    dynamic_axes={"rows": {0: "row"}, "output": {0: "row"}},
    opset_version=17,
    dynamo=False,
)
model = onnx.load(PATH)
onnx.helper.set_model_props(model, told)
onnx.save(model, PATH)
