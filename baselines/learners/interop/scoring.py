"""Scores on the validation weeks, for a policy that is at hand as an object."""

import numpy as np

from p2p_market.community.episode.episode import stack
from p2p_market.community.rules.policy import no_trade
from p2p_market.community.scenario.scenario import Scenario
from p2p_market.evaluation.benchmark import Yardstick, all_weeks, draw_weeks
from p2p_market.evaluation.players.policy import Policy
from p2p_market.evaluation.rollout import rollout
from p2p_market.evaluation.statistics.scores import Score, score
from p2p_market.records import FloatArray


class Scale:
    """The two ends of the scale on the 13 validation weeks: what `p2p-market evaluate` uses."""

    def __init__(self, scenario: Scenario) -> None:
        """Play the no-trade rule and solve the optima; seconds to minutes."""
        singles = draw_weeks(scenario, "validation", all_weeks(scenario), seed=0)
        self.scenario, self.episode = scenario, stack(singles)
        self.rule_eur = self._cost_eur(no_trade(scenario))
        solver = Yardstick(scenario)
        self.best_eur = np.array([solver.plan(single).objective_eur for single in singles])

    def score(self, policy: Policy) -> Score:
        """0 is the no-trade rule, 100 the optimum."""
        own_eur = self._cost_eur(policy)
        return score(self.rule_eur, own_eur, self.best_eur, np.random.default_rng(0))

    def _cost_eur(self, policy: Policy) -> FloatArray:
        return rollout(self.scenario, self.episode, policy).social_cost_eur
