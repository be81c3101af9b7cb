"""A BenchMARL task: `CommunityTask("classic-v0")`."""

from collections.abc import Callable

from benchmarl.environments import TaskClass
from torchrl.data import Composite
from torchrl.envs import EnvBase

from baselines.learners.interop.torchrl_env import CommunityTorchEnv
from p2p_market.registry import load_scenario


class CommunityTask(TaskClass):  # type: ignore[misc]
    """Any shipped scenario; give it to `benchmarl.experiment.Experiment`.

    All agents are one group with equal spaces, so BenchMARL's `share_policy_params` applies to all.
    Algorithms with a central critic get the joint state. Training weeks only: BenchMARL's own
    evaluation plays training weeks too, scores come from `interop.scoring.Scale`.
    """

    def __init__(self, scenario_id: str, decision: str = "around_rule") -> None:
        """For a shipped scenario.

        Args:
            scenario_id: for example "classic-v0".
            decision: what an action means, see `baselines.learners.interop.view.View`.
        """
        super().__init__(scenario_id, {"decision": decision})

    def get_env_fun(
        self, num_envs: int, continuous_actions: bool, seed: int | None, device: str
    ) -> Callable[[], EnvBase]:
        """Makes a batch of communities; they are played on the processor, whatever the device.

        Raises:
            ScenarioError: if there is no such scenario.
        """
        scenario, decision = load_scenario(self.name), self.config["decision"]
        return lambda: CommunityTorchEnv(scenario, num_envs, seed, decision).to(device)

    def supports_continuous_actions(self) -> bool:
        """Yes."""
        return True

    def supports_discrete_actions(self) -> bool:
        """No."""
        return False

    def max_steps(self, env: EnvBase) -> int:
        """Steps of a week."""
        return int(load_scenario(self.name).steps)

    def has_render(self, env: EnvBase) -> bool:
        """No."""
        return False

    def group_map(self, env: EnvBase) -> dict[str, list[str]]:
        """One group of all agents."""
        groups: dict[str, list[str]] = env.group_map
        return groups

    def observation_spec(self, env: EnvBase) -> Composite:
        """What agents see."""
        spec = env.full_observation_spec_unbatched.clone()
        del spec["state"]
        return spec

    def state_spec(self, env: EnvBase) -> Composite:
        """What a central critic sees."""
        return Composite({"state": env.full_observation_spec_unbatched["state"].clone()})

    def action_spec(self, env: EnvBase) -> Composite:
        """What agents do."""
        return env.full_action_spec_unbatched

    def info_spec(self, env: EnvBase) -> None:
        """Nothing."""

    def action_mask_spec(self, env: EnvBase) -> None:
        """Nothing: every action in [-1, 1] may be taken."""

    @staticmethod
    def env_name() -> str:
        """For BenchMARL's logs."""
        return "p2p_market"
