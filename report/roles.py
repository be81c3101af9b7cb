"""A table of the page: what the agents of each role pay, where there are several roles."""

from p2p_market.evaluation.benchmark import ScenarioResult
from p2p_market.evaluation.tables.roles import money_of_roles
from p2p_market.registry import rule_of
from p2p_market.words import per
from report.pages import Table
from report.table import Line, amount

DIGITS = 2


def tables(result: ScenarioResult) -> list[Table]:
    """One table with three columns per role, one line per policy; none where there is one role."""
    every = money_of_roles(result)
    if not every:
        return []
    unit, rule = f"EUR {per(result.scenario.spec.days)}", rule_of(result.scenario)
    columns, cells = list[tuple[str, str]](), {row.policy: list[str]() for row in result.rows}
    for role in dict.fromkeys(one.role for one in every):
        columns += [(role, unit), ("saved", unit), ("95 %", "from, to")]
    for one in every:
        saved, ends = one.saved_eur, (one.saved_eur.low, one.saved_eur.high)
        apart = one.policy != rule
        cells[one.policy] += [
            amount(one.cost_eur, DIGITS),
            amount(saved.point if apart else float("nan"), DIGITS),
            ", ".join(amount(end if apart else float("nan"), DIGITS) for end in ends),
        ]
    caption = (
        "What all agents of a role pay together, on average over the episodes; below zero they "
        f"earn. Saved: what they pay where all play {rule}, less that, paired by episode."
    )
    lines = [Line(policy, tuple(own)) for policy, own in cells.items()]
    return [Table("Money of each role", caption, columns, lines)]
