"""Who gains by agreements, and what was agreed: `baselines/published/agreed.json`.

The same members play without agreements and with them; what each pays, what was signed, how much
credit was used and how true forecasts were, in every test week.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np

from baselines.learners.ppo.imitate import Watched
from p2p_market.community.actions import action_map
from p2p_market.community.coordination.records import (
    BACKUP,
    BUYER,
    END,
    FORWARD,
    KIND,
    OUTCOMES,
    PREMIUM,
    PRICE,
    QUANTITY,
    SELLER,
    START,
)
from p2p_market.community.coordination.told import honesty
from p2p_market.community.observation import features
from p2p_market.community.rules.contracting import RULE, Stance, contracting
from p2p_market.community.scenario.scenario import Scenario
from p2p_market.data.forecast import HORIZONS_H
from p2p_market.evaluation.benchmark import all_weeks, draw_weeks
from p2p_market.evaluation.players.policy import load_policy
from p2p_market.evaluation.rollout import rollout
from p2p_market.files import write_text
from p2p_market.records import Float32Array, FloatArray
from p2p_market.registry import load_scenario
from p2p_market.track import Trajectory
from p2p_market.tracks import track_of
from tools.publish.plan import AGREED_STEPS, FOLDER, OF_AGREEMENTS, Training
from tools.publish.score import SEED, name_of

PATH: Final = FOLDER / "agreed.json"
SCHEMA: Final = "p2p_market/agreed/1"
WITHOUT, WITH = AGREED_STEPS
RULES: Final = ("truthful", "storage-value", "contracting")
MEMBERS: Final = 12
ALONE: Final = (0, 2, 5)
"""A roof, a home with a battery, a home: each once refuses what all others sign."""
DIGITS: Final = 6
SIGNED: Final = OUTCOMES.index("signed")


def _but(member: int, joins: bool) -> Stance:
    """Of all members the rule's, but one refuses coalitions, or contracts."""
    others = np.arange(MEMBERS) != member
    if joins:
        return replace(RULE, hedged=np.where(others, RULE.hedged, 0.0))
    return replace(RULE, joins=others)


WORDS: Final[Mapping[str, Stance]] = {
    "signing": RULE,
    **{f"signing, prosumer_{i} joins nothing": _but(i, joins=False) for i in ALONE},
    **{f"signing, prosumer_{i} hedges nothing": _but(i, joins=True) for i in ALONE},
}
"""What those who know no agreements may be made to say; of the last ones the first training."""


@dataclass(frozen=True, slots=True)
class Player:
    """A rule, or a network; one that was trained without agreements may be given words."""

    scenario: str  # in which it plays
    who: str
    words: str = ""

    @property
    def name(self) -> str:
        """In the record."""
        return f"{self.who}, {self.words}" if self.words else self.who

    @property
    def file(self) -> Path | None:
        """The network."""
        return None if self.who in RULES else FOLDER / f"{self.who}.onnx"

    @property
    def policy(self) -> Any:
        """Who plays."""
        scenario = load_scenario(self.scenario)
        if self.words:
            return Signing(scenario, str(self.file), WORDS[self.words])
        return load_policy(str(self.file or self.who), scenario)


class Signing:
    """Set-points and orders of a network that knows no agreements, and words of `contracting`."""

    def __init__(self, scenario: Scenario, network: str, stance: Stance) -> None:
        """For a scenario with agreements; its other features are those of the one without."""
        silent = load_scenario(WITHOUT)
        self.network: Any = load_policy(network, silent)
        self.speaker, self.seen = contracting(scenario), len(features(silent))
        self.said, self.stance = action_map(silent).width, stance

    def start(self, seeds: Sequence[int]) -> Any:
        """Memory of the network."""
        return self.network.start(seeds)

    def act(self, observation: Float32Array, memory: Any) -> tuple[FloatArray, Any]:
        """Actions with words."""
        action, memory = self.network.act(observation[..., : self.seen], memory)
        table = self.speaker.table
        whole = table.normalised(np.zeros((*action.shape[:2], table.width)))
        whole[..., : self.said] = action
        return self.speaker.speaking(observation, whole, self.stance), memory


def players() -> list[Player]:
    """Rules where members may sign; trainings where they may not, where they may, and across."""
    networks = [
        Player(scenario, name_of(Training(scenario, method, seed).policy))
        for scenario in (WITHOUT, WITH)
        for method, seeds in OF_AGREEMENTS.items()
        for seed in range(seeds)
    ]
    silent = [one for one in networks if one.scenario == WITHOUT]
    given = [Player(WITH, one.who, "signing") for one in silent]
    given += [Player(WITH, silent[0].who, words) for words in list(WORDS)[1:]]
    return [Player(WITH, name) for name in RULES] + networks + given


@lru_cache
def weeks_of(name: str) -> tuple[Scenario, Any]:
    """A scenario and all its test weeks."""
    scenario = load_scenario(name)
    singles = draw_weeks(scenario, "test", all_weeks(scenario, "test"), SEED)
    return scenario, track_of(scenario).stack(singles)


def played(player: Player) -> dict[str, Any]:
    """What the community and each member pay in each week, and what was agreed."""
    scenario, episode = weeks_of(player.scenario)
    watched = Watched(player.policy)
    done = rollout(scenario, episode, watched, player.name)
    found = {"social_cost_eur": done.social_cost_eur, "paid_eur": done.private_cost_eur}
    if scenario.spec.coordination is not None:
        found |= agreed(scenario, done, np.stack(watched.seen).astype(np.float64), caps(episode))
    record: dict[str, Any] = {key: each.round(DIGITS).tolist() for key, each in found.items()}
    if player.file is not None:
        record["sha256"] = hashlib.sha256(player.file.read_bytes()).hexdigest()
    return record


def caps(episode: Any) -> FloatArray:
    """Middle between the lowest bid cap and the highest ask floor, (step, week)."""
    lowest, highest = (
        episode.bid_cap_eur_per_kwh.min(axis=2),
        episode.ask_floor_eur_per_kwh.max(axis=2),
    )
    return np.asarray((lowest + highest) / 2.0)


def agreed(
    scenario: Scenario, done: Trajectory, seen: FloatArray, middle: FloatArray
) -> dict[str, FloatArray]:
    """What was agreed, (week,), and what of it concerns a member, (week, member).

    Args:
        seen: observations, (step, week, member, feature).
        middle: price of the hub without trade, (step, week).
    """
    setting, series = scenario.spec.coordination, done.series
    assert setting is not None
    at = {feature.name: place for place, feature in enumerate(features(scenario))}
    expected = np.stack(
        [seen[..., at[f"load_in_{h}h"]] - seen[..., at[f"pv_in_{h}h"]] for h in HORIZONS_H], axis=-1
    )
    signed = series["agreed_answers"][1:] == SIGNED
    inbox = series["agreed_inbox"][:-1]
    count = {
        name: (signed & (inbox[..., KIND] == kind)).sum(axis=(0, 2, 3))
        for name, kind in (("forwards", FORWARD), ("options", BACKUP))
    }
    forward = differences_eur(scenario, done, middle)
    return {
        **count,
        "premiums_eur": np.where(signed, inbox[..., PREMIUM], 0.0).sum(axis=(0, 2, 3)),
        "matched_kwh": scenario.dt_h * np.maximum(series["agreed_kw"], 0.0).sum(axis=(0, 2)),
        "forwards_paid_eur": forward.sum(axis=0),
        "in_coalition": (series["agreed_coalition"] >= 0).mean(axis=0),
        "credit_used_eur": setting.credit_eur - seen[..., at["credit_left"]].min(axis=0),
        "dishonesty": honesty(done, expected),
    }


def differences_eur(scenario: Scenario, done: Trajectory, middle: FloatArray) -> FloatArray:
    """What each member pays by forward contracts that are settled by difference.

    Returns:
        (step, week, member) [EUR].
    """
    tick = scenario.spec.tick_eur_per_kwh
    hub = done.series["clearing_price_eur_per_kwh"]
    hub = np.where(np.isnan(hub), np.floor(middle / tick + 0.5) * tick, hub)
    paid = np.zeros(done.series["agreed_eur"].shape)
    step = np.arange(1, done.steps)[:, None, None]
    table = done.series["agreed_contracts"][:-1]
    runs = (table[..., KIND] == FORWARD) & (table[..., START] <= step) & (step < table[..., END])
    eur = runs * table[..., QUANTITY] * scenario.dt_h * (table[..., PRICE] - hub[1:, :, None])
    for side, sign in ((BUYER, 1.0), (SELLER, -1.0)):
        for member in range(len(scenario.agents)):
            own = runs & (table[..., side] == member)
            paid[1:, :, member] += sign * np.where(own, eur, 0.0).sum(axis=2)
    return paid


def read() -> dict[str, Any]:
    """The record."""
    record: dict[str, Any] = json.loads(PATH.read_text(encoding="utf-8"))
    return record


def write() -> None:
    """Play and record, unless all of it is recorded."""
    if not PATH.is_file() or {*read()["players"]} != {player.name for player in players()}:
        record = {"schema": SCHEMA, "players": {each.name: played(each) for each in players()}}
        write_text(PATH, json.dumps(record) + "\n")


def check(chosen: Sequence[Player] | None = None) -> list[str]:
    """Play again; what differs from the record, in words."""
    known = read()["players"]
    return [
        f"{PATH.name}: {player.name} plays differently from its record"
        for player in chosen or players()
        if json.dumps(played(player)) != json.dumps(known[player.name])
    ]
