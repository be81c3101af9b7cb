"""Detection and false alarms of the supervisor, as the table of `docs/safety.md`.

    python -m tools.measure_faults

plays the truthful rule through all test weeks, once without faults and once per kind of fault, and
writes the table between the markers of the page. A fault counts as detected if its agent is latched
anew between its first step and the step after its last.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final, get_args

import numpy as np

from p2p_market.community.episode.episode import Episode, choose_key, draw, stack
from p2p_market.community.episode.faults import CODE, OF_MESSAGES
from p2p_market.community.records import SUPERVISOR_CAUSES
from p2p_market.community.scenario.scenario import Scenario, build
from p2p_market.community.scenario.schema import FaultKind, Faults
from p2p_market.evaluation.benchmark import all_weeks
from p2p_market.evaluation.players.policy import Policy, load_policy
from p2p_market.evaluation.rollout import rollout
from p2p_market.records import BoolArray, IntArray
from p2p_market.registry import load_scenario

PAGE: Final = Path(__file__).parent.parent / "docs" / "safety.md"
START: Final = "<!-- measured: python -m tools.measure_faults -->"
STOP: Final = "<!-- end -->"
SCENARIOS: Final = ("community-16-v0", "ev-12-v0", "classic-v0")
QUIET: Final = (SUPERVISOR_CAUSES.index("none"), SUPERVISOR_CAUSES.index("held"))


@dataclass(frozen=True, slots=True)
class Rates:
    """What one kind of fault leads to."""

    faults: int
    detected: int
    delay_steps: float  # mean over the detected ones, from the first faulty step


def test_weeks(scenario: Scenario, faults: Faults | None) -> tuple[Scenario, Episode]:
    """All test weeks of a scenario with such faults."""
    faulty = build(scenario.spec.model_copy(update={"faults": faults}))
    keys = [choose_key(faulty, 0, "test", week) for week in all_weeks(scenario)]
    return faulty, stack([draw(faulty, key) for key in keys])


def alarms(scenario: Scenario, episode: Episode) -> BoolArray:
    """Where the supervisor finds something new, (step, batch, agent)."""
    policy = load_policy("truthful", scenario)
    assert isinstance(policy, Policy)
    return np.asarray(~np.isin(rollout(scenario, episode, policy).cause, QUIET))


def windows(code: IntArray, kind: str) -> list[tuple[int, int, int, int]]:
    """Community, agent, first step and end of each run of a kind, out of (step, batch, agent)."""
    padded = np.pad(code == CODE[kind], ((1, 1), (0, 0), (0, 0))).astype(np.int8)
    edges = np.diff(padded, axis=0)
    runs = []
    for community, agent in np.ndindex(code.shape[1:]):
        begins = np.flatnonzero(edges[:, community, agent] == 1)
        ends = np.flatnonzero(edges[:, community, agent] == -1)
        runs += [(community, agent, int(a), int(b)) for a, b in zip(begins, ends, strict=True)]
    return runs


def measure(scenario: Scenario, kind: FaultKind) -> Rates:
    """Rates of one kind of fault over all test weeks of a scenario."""
    faulty, episode = test_weeks(scenario, Faults(kinds=(kind,)))
    found = alarms(faulty, episode)
    if kind in OF_MESSAGES:
        runs = windows(episode.message_fault, kind)
    else:
        sensors = range(episode.sensor_fault.shape[-1])
        runs = [run for s in sensors for run in windows(episode.sensor_fault[..., s], kind)]
    delays = []
    for community, agent, begin, end in runs:
        steps = np.flatnonzero(found[begin : end + 1, community, agent])
        delays += [int(steps[0])] if len(steps) else []
    return Rates(len(runs), len(delays), float(np.mean(delays)) if delays else 0.0)


def false_alarms(scenario: Scenario) -> tuple[int, int]:
    """Alarms without any fault, and agent-steps watched."""
    clean, episode = test_weeks(scenario, None)
    found = alarms(clean, episode)
    return int(found.sum()), found.size


def table() -> str:
    """The table of the page."""
    lines = [
        "| fault | " + " | ".join(f"`{name}`" for name in SCENARIOS) + " |",
        "|---|" + "---|" * len(SCENARIOS),
    ]
    scenarios = [load_scenario(name) for name in SCENARIOS]
    for kind in get_args(FaultKind):
        cells = []
        for scenario in scenarios:
            rates = measure(scenario, kind)
            share = 100.0 * rates.detected / rates.faults
            minutes = 60.0 * scenario.dt_h * rates.delay_steps
            cells.append(f"{share:.0f} % of {rates.faults}, after {minutes:.0f} min")
        lines.append(f"| `{kind}` | " + " | ".join(cells) + " |")
    counts = [false_alarms(scenario) for scenario in scenarios]
    quiet = " | ".join(f"{alarm} in {steps:,} agent-steps" for alarm, steps in counts)
    lines.append(f"| none (false alarms) | {quiet} |")
    return "\n".join(lines)


def main() -> None:
    """Write the table into the page."""
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(START)
    _, _, after = rest.partition(STOP)
    PAGE.write_text(f"{before}{START}\n\n{table()}\n\n{STOP}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
