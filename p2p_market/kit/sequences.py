"""Which episodes an environment plays: those of a seed one after another, or what is asked for."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from p2p_market.errors import ScenarioError
from p2p_market.track import AnyScenario, EpisodeKey
from p2p_market.tracks import track_of
from p2p_market.validation import whole_number


class Sequences:
    """One sequence of episodes for each community: that of a seed, and of the seeds after it."""

    def __init__(self, scenario: AnyScenario, count: int = 1) -> None:
        """Without a seed at first."""
        self.scenario, self.count = scenario, count
        self._seeds: tuple[np.random.SeedSequence, ...] = ()
        self._number = 0

    def following(
        self, seed: int | None, options: Mapping[str, Any], first: int = 0
    ) -> tuple[EpisodeKey, ...]:
        """The next episode of each sequence; nothing has changed where it raises.

        Args:
            seed: of the first sequence, the others have those after it; None: the sequences go on.
            options: `split`, `week` and `reference`, see `chosen_key`.
            first: with a seed, number of the episode to begin with.

        Raises:
            ArgumentError: if seed or first is no whole number of 0 or more.
            ScenarioError: if there is no such split, week or row.
        """
        seeds, number = self._seeds, self._number
        if seed is not None or not seeds:
            root = None if seed is None else whole_number("seed", seed, 0)
            roots = [None] * self.count if root is None else range(root, root + self.count)
            seeds = tuple(np.random.SeedSequence(one) for one in roots)
            number = whole_number("first", first, 0)
        keys = tuple(chosen_key(self.scenario, one, number, options) for one in seeds)
        self._seeds, self._number = seeds, number + 1
        return keys


def chosen_key(
    scenario: AnyScenario, seeds: np.random.SeedSequence, number: int, options: Mapping[str, Any]
) -> EpisodeKey:
    """What the options of a reset ask for, or the episode at a place in the sequence of a seed.

    Args:
        seeds: of the sequence.
        number: the place, from 0 on.
        options: `split` (default "train"); `week`, a unit of the split, of which the first episode
            is played; `reference`, one of all test episodes in their order.

    Raises:
        ScenarioError: if there is no such split, week or row.
    """
    track, split = track_of(scenario), options.get("split", "train")
    if "reference" in options:
        rows = [key for unit in track.keys(scenario, "test", 0) for key in unit]
        row = whole_number("reference", options["reference"], 0, len(rows) - 1, ScenarioError)
        return rows[row]
    child = np.random.SeedSequence(seeds.entropy, spawn_key=(number,))
    own = int(child.generate_state(1, np.uint64)[0] >> np.uint64(1))
    units = track.keys(scenario, split, own)
    if "week" in options:
        week = whole_number("week", options["week"], 0, len(units) - 1, ScenarioError)
        return units[week][0]
    keys = [key for unit in units for key in unit]
    return keys[int(np.random.default_rng(child).integers(len(keys)))]
