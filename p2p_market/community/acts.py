"""Acts beside set-points and orders: do nothing, stop yourself, ask a human.

A scenario with `acts: true` has two more columns. `meta` chooses one of four acts, equal bins of
[-1, 1], so that 0 says `act`; `urgency` goes from 0 to 10 and counts with `ask` only.

| act | `meta` | what happens |
|---|---|---|
| `stop` | below -0.5 | standstill as far as devices allow, no order, nothing else said, for |
| | | `hold_h`, whatever is said meanwhile: cause `own_stop` |
| `ask` | below 0 | as `act`, and an event with its urgency for a human; one in an hour counts |
| `act` | below 0.5 | what the other columns say |
| `nothing` | from 0.5 | as `stop`, in this step only, and no cause |

Who is held by the supervisor for another cause is not heard, and plays the fallback.
"""

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from p2p_market.community.records import (
    SUPERVISOR_CAUSES,
    Acting,
    Proposal,
    State,
    Watch,
)
from p2p_market.community.scenario.record import Scenario
from p2p_market.compilation import inner, kernel
from p2p_market.records import Float32Array, FloatArray, Record

CHOICES: Final = ("stop", "ask", "act", "nothing")
STOP, ASK, ACT, NOTHING = range(len(CHOICES))
MOST_URGENT: Final = 10
META, URGENCY = "meta", "urgency"

_OWN_STOP = SUPERVISOR_CAUSES.index("own_stop")


class Acts(NamedTuple):
    """How acts are read and counted."""

    meta: int  # place among the further columns; the urgency stands after it
    hold_steps: int  # of a stop, its own step counted
    hour_steps: int


@dataclass(frozen=True, slots=True)
class HumanRequest(Record):
    """What a member asks a human in a live session."""

    step: int
    agent: str
    urgency: int  # 1 to 10
    observation: Float32Array  # (feature,), what it sees
    action: FloatArray  # (column,), what it does if nobody answers, normalised


def words(scenario: Scenario) -> tuple[tuple[str, str, FloatArray, FloatArray], ...]:
    """Name, unit, lowest and highest of each column, (agent,); none where there are no acts."""
    if not scenario.spec.acts:
        return ()
    everyone, half = np.ones(len(scenario.agents)), len(CHOICES) / 2.0
    return (
        (META, "1", -half * everyone, half * everyone),
        (URGENCY, "1", 0.0 * everyone, MOST_URGENT * everyone),
    )


def acts_of(scenario: Scenario, meta: int) -> Acts | None:
    """The rules of acts; None where there are none.

    Args:
        meta: place of that column among the further ones.
    """
    if not scenario.spec.acts:
        return None
    return Acts(meta, scenario.hold_steps, round(1.0 / scenario.dt_h))


def no_acts(scenario: Scenario, batch: int) -> Acting | None:
    """Before the first step: nobody has stopped, nobody has asked; None where there are no acts."""
    if not scenario.spec.acts:
        return None
    return Acting(*np.zeros((3, batch, len(scenario.agents)), dtype=np.int64))


@inner(forceinline=True)
def chosen(meta):  # type: ignore[no-untyped-def]
    """The act that a finite number in the column means."""
    return int(min(max(meta + len(CHOICES) / 2.0, 0.0), len(CHOICES) - 0.5))


@inner(forceinline=True)
def urgency_of(number):  # type: ignore[no-untyped-def]
    """A whole number from 1 to 10."""
    return int(min(max(np.floor(number + 0.5), 1.0), float(MOST_URGENT)))


@inner(forceinline=True)
def stopped(acting, b, i):  # type: ignore[no-untyped-def]
    """Whether a member still stands still because it stopped itself."""
    if acting is None:
        return False
    return acting.stop_steps[b, i] > 0


@inner(forceinline=True)
def obey(acts, further, acting, asked, watch):  # type: ignore[no-untyped-def]
    """Do what members chose, in place; nothing where there are no acts.

    Args:
        acts: `Acts`.
        further: what members said, as it arrived, (batch, agent, further column).
        acting: `Acting.Arrays` before the step.
        asked: `Proposal.Arrays` after the screen.
        watch: `Watch.Arrays` after the screen.
    """
    if acts is None:
        return
    for b in range(watch.cause.shape[0]):
        for i in range(watch.cause.shape[1]):
            heard = watch.cause[b, i] == 0
            act = chosen(further[b, i, acts.meta]) if heard else ACT
            quiet = max(acting.quiet_steps[b, i] - 1, 0)
            left = acting.stop_steps[b, i]
            stands = left > 0 or act == STOP
            if left == 0 and stands:
                left = acts.hold_steps
            acting.stop_steps[b, i] = max(left - 1, 0)
            acting.request[b, i] = 0
            if heard and stands:
                watch.cause[b, i] = _OWN_STOP
            if heard and (stands or act == NOTHING):
                _rest(asked, b, i)
            elif act == ASK and quiet == 0:
                acting.request[b, i] = urgency_of(further[b, i, acts.meta + 1])
                quiet = acts.hour_steps
            acting.quiet_steps[b, i] = quiet


@inner(forceinline=True)
def _rest(asked, b, i):  # type: ignore[no-untyped-def]
    """Ask for standstill and no order; the filter goes to what the devices must do at least."""
    for k in range(asked.setpoint_kw.shape[2]):
        asked.setpoint_kw[b, i, k] = 0.0
    asked.quantity_kw[b, i] = 0.0
    asked.price_eur_per_kwh[b, i] = 0.0
    for c in range(asked.further.shape[2]):
        asked.further[b, i, c] = 0.0


@kernel(forceinline=True)
def obey_kernel(acts, further, acting, asked, watch):  # type: ignore[no-untyped-def]
    """See `obeyed`."""
    obey(acts, further, acting, asked, watch)


def obeyed(
    acts: Acts | None, state: State, arrived: Proposal, asked: Proposal, watch: Watch
) -> tuple[Proposal, Watch, Acting | None]:
    """What is asked and who is held after the members' acts, and what is kept of these.

    Args:
        arrived: the messages as they arrived.
        asked: the messages after the screen.
        watch: what the screen saw.
    """
    if acts is None or state.acting is None or arrived.further is None:
        return asked, watch, None
    acting, proposal, seen = (
        type(one)(*(array.copy() for array in one))
        for one in (state.acting.arrays(), asked.arrays(), watch.arrays())
    )
    obey_kernel(acts, arrived.further, acting, proposal, seen)
    return Proposal(*proposal), Watch(*seen), Acting(*acting)
