"""`p2p-market train`: learning baselines, found by name and imported on use."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from p2p_market.commands.console import Bar, SeedOption, complaining, complaints, console
from p2p_market.errors import PolicyError, ScenarioError
from p2p_market.loading import import_ours, needing
from p2p_market.registry import load_scenario
from p2p_market.tracks import extra

TRAINERS: Final[Mapping[str, tuple[str, str, str]]] = {
    "ppo": ("baselines.learners.ppo.train:run", "rl", ""),  # MAPPO and IPPO in torch
    "mappo": ("baselines.learners.mappo.train:run", "rllib", ""),  # the same with RLlib
    "maskable": ("baselines.battery.maskable.train:run", "sb3", ""),  # MaskablePPO, for batteries
    # roles of a power system
    "dqn": ("baselines.wholesale.dqn.train:run", "rl", "generator"),
    "actor-critic": ("baselines.wholesale.actor_critic.train:run", "rl", "storage"),
    "maddpg": ("baselines.wholesale.maddpg.train:run", "rl", "consumer"),
    "operator-dqn": ("baselines.wholesale.operator.train:run", "rl", "operator"),
}
"""Name of a trainer -> `module:function`, imported on use; the extra that carries it; and the role
that it trains, "" where a setting says which."""

Trainer = Callable[..., Path]


def train(
    trainer: Annotated[str, typer.Argument(help=f"Trainer: {', '.join(TRAINERS)}.")],
    scenario: Annotated[
        str, typer.Option("--scenario", "-s", help="Scenario id or YAML file.")
    ] = "community-16-v0",
    seed: SeedOption = 0,
    minutes: Annotated[
        float | None, typer.Option("--minutes", min=0.0, help="Stop after this many minutes.")
    ] = None,
    setting: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="A setting of the trainer; repeatable."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Folder of this training. Default: by name and seed."),
    ] = None,
) -> None:
    """Train a policy on the training weeks; the best on the validation weeks is kept.

    An interrupted training goes on when the same command is given again.

    Example: p2p-market train ppo -s community-16-v0 --minutes 8
    """
    with complaining():
        settings = {"scenario": scenario, "seed": seed, **_pairs(setting or [])}
        run = _trainer(trainer)
        track = (chosen := load_scenario(scenario)).spec.track
        if extra(chosen, "batch") is None:
            raise ScenarioError(f"track {track!r} has no batches, in which learners play")
        folder = output or Path("results") / f"{trainer}-{Path(scenario).stem}-seed-{seed}"
        with _bar() as progress:
            teller = _Teller(progress, trainer, minutes)
            path = run(settings, folder, minutes, teller)
        if minutes is not None and teller.done < teller.total:
            goes_on = "; the same command goes on" if (folder / "checkpoint.pt").is_file() else ""
            console.say(f"stopped after {minutes:g} min at {teller.done} agent-steps{goes_on}")
    console.say(f"policy, log and checkpoint: {folder}")
    own = TRAINERS[trainer][2] or settings.get("role", "")
    role = f"{own}=" if own else ""
    console.say(f"score it: p2p-market evaluate -p {role}{path} -s {scenario} --split validation")


def _trainer(name: str) -> Trainer:
    """The function behind a name.

    Raises:
        PolicyError: if there is no such trainer, or what it needs is not installed.
    """
    if name not in TRAINERS:
        raise PolicyError(f"no trainer {name!r}; known: {', '.join(TRAINERS)}")
    target, needed, _ = TRAINERS[name]
    module, _, function = target.partition(":")
    try:
        found: Trainer = getattr(import_ours(module), function)
    except ImportError as error:
        raise PolicyError(f"trainer {name!r}: {error}; it needs {needing(needed)}") from error
    return found


def _pairs(settings: list[str]) -> dict[str, Any]:
    """Key and value out of "key=value".

    Raises:
        typer.BadParameter: for anything else.
    """
    pairs = {}
    for text in settings:
        key, equals, value = text.partition("=")
        if not (key and equals):
            raise typer.BadParameter(f"{text!r} is not KEY=VALUE", param_hint="--set")
        pairs[key] = value
    return pairs


def _bar() -> Bar:
    return Bar(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("left:"),
        TimeRemainingColumn(),
        console=complaints,
    )


class _Teller:
    """Shows the share done, of the agent-steps or of the minutes, whichever is further."""

    def __init__(self, progress: Progress, name: str, minutes: float | None) -> None:
        """Of a bar that nothing is shown in yet."""
        self._progress, self._minutes = progress, minutes
        self._task, self._began = progress.add_task(name, total=1.0), time.monotonic()
        self.done, self.total = 0, 0

    def __call__(self, done: int, total: int, line: str) -> None:
        """So many agent-steps of so many are done."""
        self.done, self.total = done, total
        passed = (time.monotonic() - self._began) / 60.0
        share = max(done / total, passed / self._minutes if self._minutes else 0.0)
        self._progress.update(self._task, completed=min(share, 1.0))
        if line:
            self._progress.console.print(line)
