"""`p2p-market dashboard`: a play in the browser, recorded, played at once, or live."""

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Final

import typer

from p2p_market.commands.console import SeedOption, complaining, console
from p2p_market.errors import PolicyError, UsageError
from p2p_market.evaluation.players.policy import load_cast
from p2p_market.evaluation.record.recorded import RECORD_NAME, read_run
from p2p_market.loading import needing
from p2p_market.registry import load_scenario, rule_of, scenario_of
from p2p_market.track import OPTIMUM, AnyScenario
from p2p_market.tracks import extra

ADDRESS: Final = "127.0.0.1"
FLAGS: Final = (
    f"--server.address={ADDRESS}",
    "--server.headless=true",
    "--server.fileWatcherType=none",
    "--browser.gatherUsageStats=false",
    "--client.toolbarMode=minimal",
)
"""Nothing leaves the machine, and nothing is watched."""


def dashboard(
    shown: Annotated[
        str, typer.Argument(metavar="RUN|SCENARIO", help="Folder of a run, or a scenario to play.")
    ],
    scenario: Annotated[
        str | None, typer.Option("--scenario", "-s", help="Of a run with several.")
    ] = None,
    policy: Annotated[
        str | None,
        typer.Option(
            "--policy", "-p", help="Of a run: as its table names it. Of a scenario: who plays."
        ),
    ] = None,
    live: Annotated[bool, typer.Option("--live", help="Watch the scenario being played.")] = False,
    hours: Annotated[float, typer.Option(min=0.0, help="Of a scenario, to play.")] = 24.0,
    seed: SeedOption = 0,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Of the page.")] = 8501,
) -> None:
    """Show a play in the browser: grid, market, agents, system, environment, messages.

    Example: p2p-market dashboard wholesale-12-v0
    """
    with complaining():
        if (Path(shown) / RECORD_NAME).is_file() or Path(shown).is_dir():
            if live:
                raise UsageError(f"{shown}: a recorded run is over; --live takes a scenario")
            page, given = _of_run(Path(shown), scenario, policy)
        else:
            page, given = _of_scenario(shown, policy, live, hours, seed)
        if find_spec("streamlit") is None:
            raise PolicyError(f"the dashboard needs {needing('dashboard')}")
        console.say(f"http://{ADDRESS}:{port} shows it; Ctrl-C ends it")
        command = [sys.executable, "-m", "streamlit", "run", page, *FLAGS, f"--server.port={port}"]
        try:
            ended = subprocess.run([*command, "--", *given], check=False).returncode
        except KeyboardInterrupt:
            ended = 0
    raise typer.Exit(ended)


def _page(scenario: AnyScenario) -> str:
    """File of the page of a scenario's track.

    Raises:
        UsageError: if the track has none.
    """
    path = extra(scenario, "dashboard")
    if path is None:
        spec = scenario.spec
        raise UsageError(
            f"{spec.id}: the track {spec.track!r} has no dashboard; its report shows the run"
        )
    return str(path)


def _of_run(folder: Path, name: str | None, policy: str | None) -> tuple[str, list[str]]:
    """Page and arguments for a recorded play; by default the first that is no end of the scale."""
    entries = {one["id"]: one for one in read_run(folder)["scenarios"]}
    if name is None and len(entries) > 1:
        raise UsageError(f"{folder} holds {', '.join(entries)}; choose one with --scenario")
    name = next(iter(entries)) if name is None else name
    if name not in entries:
        there = ", ".join(entries)
        raise UsageError(f"{folder}: no scenario {name!r} in this run; there is {there}")
    made = scenario_of(json.dumps(entries[name]["specification"]))
    policies = [one["policy"] for one in entries[name]["policies"] if one["actions"] is not None]
    if policy is None:
        between = [one for one in policies if one not in (rule_of(made), OPTIMUM)]
        policy = (between or policies)[0]
    if policy not in policies:
        raise UsageError(f"{folder}: no policy {policy!r} played; there is {', '.join(policies)}")
    return _page(made), ["run", str(folder), name, policy]


def _of_scenario(
    name: str, policy: str | None, live: bool, hours: float, seed: int
) -> tuple[str, list[str]]:
    """Page and arguments for a scenario that is played; the policy is loaded once, to be sure."""
    made = load_scenario(name)
    cast = policy or rule_of(made)
    page = _page(made)
    load_cast(cast, made)
    return page, ["live" if live else "play", name, cast, str(hours), str(seed)]
