"""The reward that is learnt from: the environment's, without what no action changes."""

import numpy as np

from baselines.learners.ppo.args import Args
from p2p_market.community.rules.policy import truthful
from p2p_market.community.scenario.scenario import Scenario
from p2p_market.records import BoolArray, Float32Array, FloatArray


class Yield:
    """What an agent earns by its own actions.

    From the reward in EUR is taken what the agent's load and PV alone would have cost at the grid,
    and the energy that vehicles use on the way: no action changes that, so no policy gains or loses
    by it, but the critic need not predict it. And energy is credited, at the terminal value, when
    it is stored instead of at the end of the week; over an episode that adds nothing. What the
    world puts into a machine or takes out is no merit and is left out; machines have a terminal
    value of their own.

    Two options change what is learnt: a degradation cost that begins lower and is whole from the
    middle of the training on, and a price for set-points beyond the storage's limits.
    """

    def __init__(self, scenario: Scenario, args: Args) -> None:
        """For the agents of a scenario."""
        self.rule, self.nodes = truthful(scenario), scenario.nodes
        self.assets = scenario.nodes.present.shape[1]
        self.stays = self.nodes.present & (self.nodes.target_kwh == 0.0)
        self.dt_h, self.worth = scenario.dt_h, scenario.spec.terminal_value_eur_per_kwh
        self.args, self.wear = args, scenario.nodes.degradation_eur_per_kwh
        agents = args.communities * len(scenario.agents)
        whole = args.wear_steps or args.agent_steps / 2.0
        self.learning_episodes = whole / (agents * scenario.steps)
        self.forgiven = 0.0  # share of the degradation cost that does not count yet
        self.level_kwh: FloatArray = np.zeros(0)  # (community, agent, asset); while away, the last
        self.first_kwh: FloatArray = np.zeros(0)  # where the agent first met it
        self.met: BoolArray = np.zeros(0, dtype=np.bool_)

    def begin(self, seen: Float32Array, episode: int) -> None:
        """The training's episode of this number begins, with its first observations."""
        done = min(1.0, episode / self.learning_episodes)
        self.forgiven = (1.0 - self.args.first_wear) * (1.0 - done)
        self.met = self._here(seen)
        self.first_kwh = self.level_kwh = np.where(self.met, self._level(seen), 0.0)

    def of(
        self,
        seen: Float32Array,
        actions: FloatArray,
        rewards: FloatArray,
        after: Float32Array | None,
    ) -> FloatArray:
        """Scaled rewards, (community, agent).

        Args:
            seen: before the step.
            actions: of the step, normalised.
            rewards: of the environment [EUR].
            after: what is seen after it; None at the end of an episode, where energy is settled.
        """
        at = self.rule.columns
        net = seen[..., at["load"]].astype(np.float64) - seen[..., at["pv"]]
        price = np.where(
            net > 0.0,
            seen[..., at["retail"]] + seen[..., at["carbon_cost"]],
            seen[..., at["feed_in"]],
        )
        own = rewards + self.dt_h * net * price + self._credit_eur(seen, actions, after)
        if self.forgiven or self.args.correction_eur_per_kwh:
            own += self._options(seen, actions)
        share = self.args.community_share
        mixed = (1.0 - share) * own + share * own.mean(axis=1, keepdims=True)
        return np.asarray(self.args.reward_scale * mixed)

    def _credit_eur(
        self, seen: Float32Array, actions: FloatArray, after: Float32Array | None
    ) -> FloatArray:
        """What the energy stored in the step is worth, (community, agent) [EUR]."""
        stored, machines = self._stored_kwh(seen, actions, after), self.nodes.machines
        if machines is None:
            return np.asarray(self.worth * stored.sum(axis=-1))
        if after is not None:
            stored = stored - self.dt_h * self._of("drift", seen)
        return np.asarray((machines.terminal_eur_per_kwh * stored).sum(axis=-1))

    def _options(self, seen: Float32Array, actions: FloatArray) -> FloatArray:
        """Degradation forgiven, less the price of corrections, (community, agent) [EUR]."""
        asked, power = self._powers(seen, actions)
        forgiven = self.forgiven * (np.abs(power) * self.wear).sum(axis=-1)
        corrected = np.abs(asked - power).sum(axis=-1)
        price = self.args.correction_eur_per_kwh
        return np.asarray(self.dt_h * (forgiven - price * corrected))

    def _stored_kwh(
        self, seen: Float32Array, actions: FloatArray, after: Float32Array | None
    ) -> FloatArray:
        """What the step stored, (community, agent, asset); at the end less all that it stored.

        A vehicle that leaves takes along what its set-point brings; one that arrives starts anew.
        """
        if after is None:
            return np.asarray(self.first_kwh - self.level_kwh)
        here, then, level = self._here(seen), self._here(after), self._level(after)
        moved = np.where(then, level - self.level_kwh, self._moved(seen, actions))
        moved = np.where(here, moved, 0.0)
        self.first_kwh = np.where(then & ~self.met, level, self.first_kwh)
        self.level_kwh = np.where(then, level, self.level_kwh + moved)
        self.met = self.met | then
        return moved

    def _moved(self, seen: Float32Array, actions: FloatArray) -> FloatArray:
        _, power = self._powers(seen, actions)
        charged = self.nodes.charge_gain_h * np.maximum(power, 0.0)
        return np.asarray(charged + self.nodes.discharge_gain_h * np.minimum(power, 0.0))

    def _powers(self, seen: Float32Array, actions: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Set-points as asked and inside their limits, (community, agent, asset) each [kW]."""
        asked = self.rule.table.physical(actions)[..., : self.assets]
        power, known = asked.copy(), seen.astype(np.float64)
        for asset in range(self.assets):
            power[..., asset] = np.clip(asked[..., asset], *self.rule.limits(known, asset))
        return asked, power

    def _level(self, seen: Float32Array) -> FloatArray:
        return self._of("soc", seen) * self._of("capacity", seen)

    def _here(self, seen: Float32Array) -> BoolArray:
        here = self._of("power_max", seen) > 0.0
        return np.asarray(here if self.nodes.machines is None else here | self.stays)

    def _of(self, name: str, seen: Float32Array) -> FloatArray:
        columns = [self.rule.columns[f"{name}_{asset}"] for asset in range(self.assets)]
        return seen[..., columns].astype(np.float64)
