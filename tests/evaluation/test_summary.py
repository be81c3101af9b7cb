"""What is said over several scenarios: known values, SciPy, invariances, coverage."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from p2p_market.evaluation.record.recorded import read_run
from p2p_market.evaluation.record.run_record import replay, write_run
from p2p_market.evaluation.running.parallel import evaluate_all
from p2p_market.evaluation.statistics.aggregates import (
    cvar,
    groups,
    interquartile_mean,
    performance_profile,
    ranks,
)
from p2p_market.evaluation.statistics.bootstrap import (
    draw_weeks,
    effective_weeks,
    interval,
    resample,
    t_quantile,
    tail_level,
)
from p2p_market.evaluation.statistics.paired import (
    paired_difference,
    pooled_blocks,
    probability_of_improvement,
)
from p2p_market.evaluation.statistics.scores import block_scores, episode_scores, floor_costs
from p2p_market.evaluation.statistics.summary import rank_ranges, summarise
from p2p_market.evaluation.tables.overview import (
    Costs,
    improvements,
    over_scenarios,
    profiles,
    recorded_overview,
    share,
)
from tests.evaluation.runs import deaf
from tests.evaluation.runs import jobs as jobs_of

WEEKS = 13


def costs(generator, shape, share):
    """Unequal weeks, heavy tails downwards, half of it the same in all scenarios.

    Returns:
        Costs of rule, policy and optimum, (..., scenario, week).
    """
    shared = (*shape[:-2], 1, shape[-1])
    size = generator.standard_normal(shared) + 0.5 * generator.standard_normal(shape)
    possible = 50.0 * np.exp(0.6 * size)
    luck = generator.standard_t(4, shared) + generator.standard_t(4, shape)
    noise = 0.05 * size + 0.07 * np.clip(luck, -10.0, 3.0)
    return possible, (1.0 - share - noise) * possible, np.zeros(shape)


@pytest.mark.parametrize("count", [4, 8, 40])
def test_interquartile_mean_agrees_with_scipy(count):
    scores = np.random.default_rng(count).normal(size=(3, count))
    expected = stats.trim_mean(scores, 0.25, axis=-1)
    assert interquartile_mean(scores) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("count", [1, 2, 3, 5, 39])
def test_fractional_trimming_is_that_of_four_copies(count):
    scores = np.random.default_rng(count).normal(size=count)
    expected = stats.trim_mean(np.repeat(scores, 4), 0.25)
    assert interquartile_mean(scores) == pytest.approx(expected, abs=1e-12)
    tenth = np.sort(np.repeat(scores, 10))[:count].mean()
    assert cvar(scores) == pytest.approx(tenth, abs=1e-12)


def test_blocks_span_the_year():
    rule, own = np.full(WEEKS, 10.0), np.arange(WEEKS, dtype=np.float64)
    found = block_scores(rule, own, np.zeros(WEEKS))
    expected = [10.0 * np.mean(10.0 - own[first::3]) for first in range(3)]
    assert found == pytest.approx(expected)
    assert block_scores(rule[:3], own[:3], np.zeros(3)) == pytest.approx([90.0])


def test_a_failed_episode_counts_the_floor():
    rule, best = np.array([10.0, 20.0]), np.array([5.0, 10.0])
    own = floor_costs(rule, np.array([np.nan, 15.0]), best, np.array([True, False]))
    assert episode_scores(rule, own, best).tolist() == [-100.0, 50.0]


def test_profile_and_ranks_by_hand():
    shares = performance_profile(np.array([0.0, 50.0, 50.0, 90.0]), np.array([-1.0, 50.0, 90.0]))
    assert shares.tolist() == [1.0, 0.25, 0.0]
    assert ranks(np.array([5.0, 7.0, 5.0, 1.0])).tolist() == [2, 1, 2, 4]
    low, high = rank_ranges(np.array([[1.0] * 100, [0.0] * 90 + [2.0] * 10, [-1.0] * 100]))
    assert (low.tolist(), high.tolist()) == ([1, 1, 3], [2, 2, 3])
    assert groups(low, high).tolist() == [1, 1, 2]
    assert groups(np.array([1, 1]), np.array([1, 1])).tolist() == [1, 1]  # a tie


def test_probability_of_improvement_agrees_with_mann_and_whitney():
    generator = np.random.default_rng(0)
    first, second = generator.integers(0, 6, (2, 4, WEEKS)).astype(np.float64)
    found = probability_of_improvement(first, second, generator)
    each = [stats.mannwhitneyu(a, b).statistic for a, b in zip(first, second, strict=True)]
    assert found.point == pytest.approx(np.mean(each) / WEEKS**2, abs=1e-12)
    assert found.low < found.point < found.high
    back = probability_of_improvement(second, first, generator)
    assert back.point == pytest.approx(1.0 - found.point, abs=1e-12)


def test_an_interval_of_improvement_lies_around_its_point():
    """Weeks differ, and in each the second is a little better: draws see that too often."""
    hard = np.sort(np.random.default_rng(8).normal(50.0, 20.0, (3, WEEKS)))
    found = probability_of_improvement(hard, hard + 1e-9, np.random.default_rng(0))
    assert found.point == pytest.approx(0.5 - 0.5 / WEEKS)
    assert found.high - found.point == pytest.approx(found.point - found.low, abs=0.03)


def test_levels_agree_with_scipy():
    for freedom in (4.0, 7.3, 12.0, 100.0):
        assert t_quantile(freedom) == pytest.approx(stats.t.ppf(0.975, freedom), abs=0.01)
    reach = np.sqrt(13 / 12) * stats.t.ppf(0.975, 12)
    assert tail_level(13) == pytest.approx(stats.norm.sf(reach), abs=5e-6)
    assert tail_level(1e9) == pytest.approx(0.025, abs=1e-6)
    assert effective_weeks(np.array([1.0, 1.0, 1.0, 0.0])) == 3.0


def test_policies_are_resampled_together():
    """What all share drops out, and a copy of a scenario adds no knowledge."""
    generator = np.random.default_rng(3)
    rule, own, best = costs(generator, (2, WEEKS), 0.5)
    same = paired_difference(own, own, rule, best, np.random.default_rng(0))
    assert (same.low, same.point, same.high) == (0.0, 0.0, 0.0)
    other = own + 0.1 * rule
    once = paired_difference(other, own, rule, best, np.random.default_rng(0))
    assert (once.low, once.high) == pytest.approx((-10.0, -10.0), abs=1.0)
    uneven = own + generator.uniform(0.0, 0.4, rule.shape) * rule
    found, twice = (
        paired_difference(
            *(np.repeat(c, n, axis=0) for c in (uneven, own, rule, best)), np.random.default_rng(0)
        )
        for n in (1, 4)
    )
    assert twice.high - twice.low >= 0.9 * (found.high - found.low)


def test_summary_does_not_depend_on_order():
    rule, own, best = costs(np.random.default_rng(4), (5, WEEKS), 0.5)
    every = np.stack([own, own + 0.02 * rule, rule])
    names, places = ["a", "b", "idle"], ["p", "q", "r", "s", "t"]
    found = summarise(names, places, rule, every, best, np.random.default_rng(0))
    turned = summarise(
        names[::-1],
        places[::-1],
        rule[::-1],
        every[::-1, ::-1],
        best[::-1],
        np.random.default_rng(0),
    )
    for one, again in zip(found, turned[::-1], strict=True):
        assert (one.policy, one.worst, one.group) == (again.policy, again.worst, again.group)
        expected = (one.iqm, one.low, one.high, one.mean, one.cvar)
        assert (again.iqm, again.low, again.high, again.mean, again.cvar) == pytest.approx(expected)
    assert found[2].iqm == 0.0
    assert (found[2].rank_low, found[2].rank_high) == (3, 3)


def test_summary_says_what_its_parts_say():
    """Every number is where its name says; two policies that cannot be told apart share a group."""
    generator, places = np.random.default_rng(6), ["p", "q", "r"]
    rule, own, best = costs(generator, (3, WEEKS), np.array([[0.2], [0.5], [0.6]]))
    twin = own + 0.1 * generator.standard_normal(own.shape) * rule
    every = np.stack([own, twin, own + 0.3 * rule])
    found = summarise(["a", "b", "c"], places, rule, every, best, np.random.default_rng(0))
    assert [(s.rank_low, s.rank_high, s.group) for s in found] == [(1, 2, 1), (1, 2, 1), (3, 3, 2)]
    weeks = draw_weeks(np.random.default_rng(0), 1, WEEKS)[:, 0]
    for summary, costs_eur in zip(found, every, strict=True):
        blocks = block_scores(rule, costs_eur, best).ravel()
        whole = 100.0 * (rule - costs_eur).sum(axis=1) / (rule - best).sum(axis=1)
        assert summary.blocks == len(blocks) == 9
        assert summary.iqm == pytest.approx(stats.trim_mean(np.repeat(blocks, 4), 0.25))
        assert summary.mean == pytest.approx(blocks.mean())
        assert summary.cvar == pytest.approx(cvar(blocks))
        assert summary.worst == pytest.approx(whole.min())
        assert summary.worst_scenario == places[int(whole.argmin())] == "p"
        drawn = block_scores(*(c[:, weeks].swapaxes(0, 1) for c in (rule, costs_eur, best)))
        draws = interquartile_mean(drawn.reshape(len(weeks), -1))
        tail = tail_level(effective_weeks(rule - best))
        assert (summary.low, summary.high) == pytest.approx(np.quantile(draws, [tail, 1.0 - tail]))


def test_ranges_of_ranks_hold_95_of_100_draws():
    """Two draws of a hundred at each end are left out, three are not."""
    draws = np.zeros((2, 100))
    draws[1] = [1.0] * 2 + [-1.0] * 98
    assert [end.tolist() for end in rank_ranges(draws)] == [[1, 2], [1, 2]]
    draws[1] = [1.0] * 3 + [-1.0] * 97
    assert [end.tolist() for end in rank_ranges(draws)] == [[1, 1], [2, 2]]


COMMUNITY = ("community", "no-trade")


def test_only_scenarios_with_the_same_weeks_are_summed_up():
    both = {"no-trade": np.full(2, 9.0), "mine": np.full(2, 5.0), "optimum": np.ones(2)}
    one, two, other = (
        Costs(name, weeks, both, both["optimum"], *COMMUNITY)
        for name, weeks in (("p", (0, 7)), ("q", (0, 7)), ("r", (0, 14)))
    )
    assert over_scenarios([one]) == []
    assert over_scenarios([one, other]) == []
    assert over_scenarios([one, replace(two, track="another")]) == []
    assert [s.policy for s in over_scenarios([one, two])] == ["no-trade", "mine"]
    less = Costs(
        "s", (0, 7), {name: both[name] for name in ("no-trade", "optimum")}, np.ones(2), *COMMUNITY
    )
    assert [s.policy for s in over_scenarios([one, less])] == ["no-trade"]


def entry(name, optimum="linear", weeks=(0, 7)):
    """What an overview reads of a record; the optimum's schedule costs 2 EUR, its bound is 0."""
    own = {"no-trade": 10.0, "mine": 5.0, "optimum": 2.0}
    return {
        "id": name,
        "specification": {"optimum": optimum},
        "episodes": [{"start_day": day} for day in weeks],
        "certificates": [{"bound_eur": 0.0}] * len(weeks),
        "policies": [{"policy": n, "social_cost_eur": [c] * len(weeks)} for n, c in own.items()],
    }


def test_where_the_optimum_is_mixed_integer_its_bound_is_the_100():
    for optimum, score in (("linear", 62.5), ("mixed_integer", 50.0)):
        _, mine = recorded_overview([entry("p", optimum), entry("q", optimum)])
        assert (mine.policy, mine.iqm, mine.worst) == ("mine", score, score)
    assert recorded_overview([entry("p"), entry("q", weeks=(0, 14))]) == []


def shared_by_three():
    """Costs of the rule and two policies on three scenarios; `worse` costs 10 points more."""
    rule, own, best = costs(np.random.default_rng(5), (3, WEEKS), 0.5)
    weeks = tuple(range(0, 7 * WEEKS, 7))
    return share(
        [
            Costs(
                f"street-{number}-v0",
                weeks,
                {
                    "no-trade": rule[number],
                    "mine": own[number],
                    "worse": own[number] + 0.1 * rule[number],
                    "optimum": best[number],
                },
                best[number],
                *COMMUNITY,
            )
            for number in range(3)
        ]
    )


def test_each_policy_is_held_against_the_reference():
    shared = shared_by_three()
    found = improvements(shared, "worse")
    assert list(found) == ["no-trade", "mine"]
    mine = found["mine"]
    assert (mine.iqm.low, mine.iqm.point, mine.iqm.high) == pytest.approx((10.0,) * 3)
    assert 0.5 < mine.probability.low < mine.probability.point < mine.probability.high <= 1.0
    assert found["no-trade"].iqm.high < 0.0
    assert found["no-trade"].probability.high < 0.5
    assert improvements(shared, "truthful") == {}


def test_profiles_fall_inside_their_bands():
    shared, tau = shared_by_three(), np.linspace(-50.0, 100.0, 31)
    found = profiles(shared, tau)
    assert list(found) == ["no-trade", "mine", "worse"]
    for number, (name, band) in enumerate(found.items()):
        blocks = pooled_blocks(shared.rule_eur, shared.own_eur[number], shared.best_eur)
        by_hand = [(blocks > threshold).mean() for threshold in tau]
        assert band.point.tolist() == by_hand, name
        assert np.all(band.low <= band.point), name
        assert np.all(band.point <= band.high), name
        assert np.all(np.diff(band.point) <= 0.0), name
    assert np.any(found["mine"].low < found["mine"].high)
    idle = found["no-trade"]
    assert idle.low.tolist() == idle.high.tolist() == (tau < 0.0).astype(float).tolist()


def coverage(scenarios, trials, plain=False):
    """Share of 95 % intervals that hold what the estimator is in the mean."""
    generator = np.random.default_rng(11)
    level = np.linspace(0.35, 0.6, scenarios)[:, None] if scenarios > 1 else np.array([[0.5]])

    def estimate(rule, own, best):
        if scenarios == 1:
            return 100.0 * (1.0 - own[..., 0, :].sum(axis=-1) / rule[..., 0, :].sum(axis=-1))
        return interquartile_mean(pooled_blocks(rule, own, best))

    truth = estimate(*costs(generator, (100_000 // scenarios, scenarios, WEEKS), level)).mean()
    held = 0
    for _ in range(trials):
        played = costs(generator, (scenarios, WEEKS), level)
        chosen = draw_weeks(generator, 1, WEEKS, 1000)
        draws = estimate(*(resample(cost, chosen) for cost in played))
        weeks = 1e9 if plain else effective_weeks(played[0])
        found = interval(estimate(*played), draws, weeks)
        held += found.low <= truth <= found.high
    return held / trials


@pytest.mark.parametrize("scenarios", [1, 4])
def test_coverage(scenarios):
    assert 0.93 <= coverage(scenarios, 1500) <= 0.97


def test_plain_percentiles_cover_too_seldom():
    assert coverage(1, 1500, plain=True) < 0.92


@pytest.mark.slow
@pytest.mark.parametrize("scenarios", [1, 4, 13])
def test_coverage_with_more_trials(scenarios):
    assert 0.93 <= coverage(scenarios, 6000) <= 0.97


def test_a_changed_summary_is_found_on_replay(tmp_path):
    pytest.importorskip("cvxpy")
    jobs = [job for name in ("classic-v0", "resale-6-v0") for job in jobs_of("truthful", name)]
    path = write_run(evaluate_all(jobs, 1, deaf), tmp_path, "2026-01-01T00:00:00+00:00")
    record = read_run(path.parent)
    assert [one["policy"] for one in record["summary"]] == ["no-trade", "truthful"]
    assert replay(tmp_path, record) == []
    record["summary"][1]["iqm"] += 1.0
    assert replay(tmp_path, record) == ["all scenarios: the summary differs"]
