import numpy as np
import onnx
import torch

from baselines.learners.ppo.decision import KINDS
from baselines.learners.ppo.imitate import Watched
from p2p_market import load_scenario
from p2p_market.community.episode.episode import choose_key, draw, stack
from p2p_market.evaluation.players.policy import load_policy
from p2p_market.evaluation.rollout import rollout

PATH = "my-agent/policy.onnx"  # of `init`: its metadata say what a row is, and stay
told = {one.key: one.value for one in onnx.load(PATH).metadata_props}
scenario = load_scenario("community-16-v0")
kind = KINDS[told["decision"]]
decision = kind(scenario)

teacher = Watched(load_policy("storage-value", scenario))  # keeps what it sees and does
weeks = [draw(scenario, choose_key(scenario, 0, "train", week)) for week in range(13)]
rollout(scenario, stack(weeks), teacher)
seen, done = np.concatenate(teacher.seen), np.concatenate(teacher.done)
rows = torch.from_numpy(decision.rows(seen)).flatten(0, 1)
wanted = torch.from_numpy(decision.outputs(seen, done)).float().flatten(0, 1)
free = ~wanted.isnan().any(dim=1)  # nan: nothing was to be decided
rows, wanted = rows[free], wanted[free]


class Scale(torch.nn.Module):
    """Rows are in physical units: here they become numbers around 0."""

    def __init__(self, rows):
        super().__init__()
        self.register_buffer("middle", rows.mean(dim=0))
        spread = rows.std(dim=0)  # a column that never changed is only shifted
        self.register_buffer("spread", torch.where(spread > 0.001, spread, 1.0))

    def forward(self, rows):
        return ((rows - self.middle) / self.spread).clamp(-5.0, 5.0)


torch.manual_seed(0)
network = torch.nn.Sequential(
    Scale(rows),
    torch.nn.Linear(rows.shape[1], 64),
    torch.nn.Tanh(),
    torch.nn.Linear(64, wanted.shape[1]),  # as many outputs as the decision asks for
    torch.nn.Tanh(),
)
optimiser = torch.optim.Adam(network.parameters(), lr=0.003)
for chosen in torch.randint(len(rows), (400, 512)):
    loss = (network(rows[chosen]) - wanted[chosen]).square().mean()
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()

torch.onnx.export(
    network,
    (rows[:2],),
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
