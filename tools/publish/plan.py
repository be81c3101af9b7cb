"""What is trained for the published results."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

FOLDER: Final = Path(__file__).parents[2] / "baselines" / "published"
"""Networks, logs and records that are part of the repository."""

AGENT_STEPS: Final[Mapping[str, int]] = {
    "community-16-v0": 8_000_000,  # the default scenario
    "resale-6-v0": 1_500_000,  # tariffs that lie far apart
    "ev-12-v0": 5_000_000,  # nine vehicles
}
"""Scenario -> length of every training on it."""

COMMON: Final[Mapping[str, Any]] = {"discount_per_h": 0.98}
WARM: Final[Mapping[str, Any]] = {"imitate": "storage-value", "first_deviation": 0.3}
PLAIN: Final[Mapping[str, Any]] = {"imitate": "", "first_deviation": 0.5}


@dataclass(frozen=True, slots=True)
class Method:
    """A way to train."""

    title: str
    trainer: str
    settings: Mapping[str, Any]
    seeds: int


METHODS: Final[Mapping[str, Method]] = {
    "mappo": Method("MAPPO, torch", "ppo", {"critic": "mappo", **WARM}, 10),
    "ippo": Method("IPPO, torch", "ppo", {"critic": "ippo", **WARM}, 10),
    "mappo-cold": Method(
        "MAPPO, torch, without warm start", "ppo", {"critic": "mappo", **PLAIN}, 10
    ),
    "mappo-rllib": Method("MAPPO, RLlib", "mappo", {"critic": "mappo", **WARM}, 5),
    "ippo-rllib": Method("IPPO, RLlib", "mappo", {"critic": "ippo", **WARM}, 5),
}
"""Methods whose policies are published and play test weeks."""

ABLATED: Final = "community-16-v0"
SEEDS: Final = 3
COLD: Final[Mapping[str, Any]] = {"critic": "mappo", **PLAIN}
FULL: Final[Mapping[str, Any]] = {**COLD, "decision": "full"}

ABLATIONS: Final[Mapping[str, Method]] = {
    "optimum": Method(
        "warm start from the optimum's schedule", "ppo",
        {**COLD, **WARM, "imitate": "optimum"}, SEEDS,
    ),
    "recurrent": Method("recurrence (64 units)", "ppo", {**COLD, "memory": 64}, SEEDS),
    "wear": Method("degradation cost from 0 to whole", "ppo", {**COLD, "first_wear": 0.0}, SEEDS),
    "half-shared": Method(
        "half of the community's mean reward", "ppo", {**COLD, "community_share": 0.5}, SEEDS
    ),
    "full": Method("every column of the action is learnt", "ppo", FULL, SEEDS),
    "full-corrected": Method(
        "the same, corrections cost 0.05 EUR/kWh", "ppo", {**FULL, "correction_eur_per_kwh": 0.05},
        SEEDS,
    ),
    "full-optimum": Method(
        "the same, warm start from the optimum's actions", "ppo",
        {**FULL, **WARM, "imitate": "optimum"}, SEEDS,
    ),
    "full-storage-value": Method(
        "the same, warm start from storage-value's set-points and bids", "ppo", {**FULL, **WARM},
        SEEDS,
    ),
}  # fmt: skip
"""Options, each beside `mappo-cold` or `mappo`; their validation scores are published."""


CHOICE_STEPS: Final[Mapping[str, int]] = {
    "battery-146-v0": 1_600_000,
    "battery-146-wide-v0": 400_000,
}
"""The same where columns are choices: some three minutes of one processor, and half of that."""

CHOICES: Final[Mapping[str, Method]] = {"ppo": Method("PPO, masked choices, torch", "ppo", {}, 5)}
"""Methods for them."""


MACHINE_STEPS: Final[Mapping[str, int]] = {"assets-12-v0": 400_000}
"""The same where members have machines: some forty seconds of one processor."""

MACHINE_SETTINGS: Final[Mapping[str, Any]] = {"imitate_weeks": 12}
"""What differs from the other scenarios: `storage-value` thinks longer about machines."""

OF_MACHINES: Final[Mapping[str, int]] = {"mappo": 5}
"""Trainings of each method among machines."""


AGREED_STEPS: Final[Mapping[str, int]] = {
    "few-sellers-v0": 3_000_000,
    "contracts-12-v0": 3_000_000,
}
"""The same members without agreements and with them: some half a minute of one processor each."""

AGREED_SETTINGS: Final[Mapping[str, Any]] = {
    "decision": "around_contracting", "imitate_weeks": 8, "communities": 32, "validate_every": 4,
    "segment_h": 168.0, "trace_per_h": 0.95, "learning_rate": 2e-3,
}  # fmt: skip
"""What differs: a row per member, for all may sign; what is signed pays a day later."""

OF_AGREEMENTS: Final[Mapping[str, int]] = {"mappo": 5}
"""Trainings of each method on each of the two."""

STEPS: Final = {**AGENT_STEPS, **CHOICE_STEPS, **MACHINE_STEPS, **AGREED_STEPS}


@dataclass(frozen=True, slots=True, order=True)
class Training:
    """One training."""

    scenario: str
    method: str
    seed: int

    @property
    def ablation(self) -> bool:
        """Whether only its log is published."""
        return self.method in ABLATIONS

    @property
    def told(self) -> Method:
        """How it is trained."""
        return {**METHODS, **ABLATIONS, **CHOICES}[self.method]

    @property
    def settings(self) -> Mapping[str, Any]:
        """What the trainer is told."""
        own = {"scenario": self.scenario, "seed": self.seed}
        steps = {"agent_steps": STEPS[self.scenario]}
        common = {} if self.method in CHOICES else COMMON
        machines = MACHINE_SETTINGS if self.scenario in MACHINE_STEPS else {}
        agreed = AGREED_SETTINGS if self.scenario in AGREED_STEPS else {}
        return {**own, **steps, **common, **machines, **agreed, **self.told.settings}

    @property
    def folder(self) -> Path:
        """Where what is published of it stands."""
        kind = "ablations" if self.ablation else self.scenario
        return FOLDER / kind / self.method

    @property
    def policy(self) -> Path:
        """The network that was best on the validation weeks."""
        return self.folder / f"seed-{self.seed}.onnx"

    @property
    def log(self) -> Path:
        """A row per play of the validation weeks."""
        return self.folder / f"seed-{self.seed}.csv"


def trainings() -> Iterator[Training]:
    """All of them, a seed of everything before the next seed."""
    for seed in range(max(method.seeds for method in METHODS.values())):
        for scenario in AGENT_STEPS:
            for name, method in METHODS.items():
                if seed < method.seeds:
                    yield Training(scenario, name, seed)
        for name, method in ABLATIONS.items():
            if seed < method.seeds:
                yield Training(ABLATED, name, seed)
        for scenario in CHOICE_STEPS:
            for name, method in CHOICES.items():
                if seed < method.seeds:
                    yield Training(scenario, name, seed)
        for scenarios, methods in ((MACHINE_STEPS, OF_MACHINES), (AGREED_STEPS, OF_AGREEMENTS)):
            for scenario in scenarios:
                for name, seeds in methods.items():
                    if seed < seeds:
                        yield Training(scenario, name, seed)
