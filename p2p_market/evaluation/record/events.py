"""Interventions of the supervisor, and what agents asked a human, as lists of events."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from p2p_market.records import IntArray, Series


@dataclass(frozen=True, slots=True)
class Event:
    """One stay of one agent in grid-only fallback."""

    community: int  # index into the batch
    agent: int
    step: int  # the first one in fallback
    cause: str  # what latched it, a name of the card's causes
    steps: int  # size: how long it was in fallback, further latches and the hold included


def events(cause: IntArray, names: Sequence[str]) -> tuple[Event, ...]:
    """Every intervention, ordered by community, agent and step.

    A stay that is renewed by another cause is one event under its first cause.

    Args:
        cause: index into `names`, (step, batch, agent), as in a trajectory.
        names: causes of the track's card; the first is none.
    """
    inside = np.moveaxis(cause, 0, -1) != 0
    edges = np.diff(inside.astype(np.int64), axis=-1, prepend=0, append=0)
    begins, ends = np.argwhere(edges == 1), np.argwhere(edges == -1)
    return tuple(
        Event(
            community=int(b),
            agent=int(i),
            step=int(t),
            cause=names[int(cause[t, b, i])],
            steps=int(end - t),
        )
        for (b, i, t), end in zip(begins, ends[:, -1], strict=True)
    )


@dataclass(frozen=True, slots=True)
class Request:
    """What one agent asked a human."""

    community: int  # index into the batch
    agent: int
    step: int
    urgency: int


def requests(urgency: IntArray) -> tuple[Request, ...]:
    """Every request, ordered by community, agent and step.

    Args:
        urgency: 0 where nobody asked, (step, batch, agent), as in a trajectory's `request`.
    """
    places = np.argwhere(np.moveaxis(urgency, 0, -1) > 0)
    return tuple(
        Request(community=b, agent=i, step=t, urgency=int(urgency[t, b, i]))
        for b, i, t in places.tolist()
    )


def requested(series: Series) -> dict[str, list[dict[str, Any]]]:
    """The same as an entry of a record; nothing where nobody asked, as in older records."""
    asked = requests(series["request"]) if "request" in series else ()
    return {"requests": [asdict(request) for request in asked]} if asked else {}
