"""Several policies in one batch of communities, each on seats of its own."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from p2p_market.errors import PolicyError
from p2p_market.evaluation.players.failure import WrongAnswerError
from p2p_market.evaluation.players.policy import Policy, ask
from p2p_market.records import BoolArray, Float32Array, IntArray


@dataclass(frozen=True, slots=True)
class Mixture:
    """A policy made of policies; none sees what another answers in the same step.

    Each member is asked for all rows, and only its answers on its own seats count. So its memory
    also holds what it would have done on the others' seats, which affects no row of a decentralised
    policy.
    """

    names: tuple[str, ...]  # for errors
    members: tuple[Policy, ...]
    member_of: IntArray  # (batch, agent), index of the member that has the seat
    width: int  # columns of an action
    choices: bool = False  # whether every column is one

    def start(self, seeds: Sequence[int]) -> tuple[Any, ...]:
        """The members' memories."""
        return tuple(member.start(seeds) for member in self.members)

    def act(
        self, observation: Float32Array, memory: tuple[Any, ...]
    ) -> tuple[NDArray[Any], tuple[Any, ...]]:
        """Every seat's row from the member that has it.

        Raises:
            PolicyError: if a member answers with something that is not an action.
        """
        shape = (*self.member_of.shape, self.width)
        answers, memories = [], []
        for name, member, own in zip(self.names, self.members, memory, strict=True):
            # A copy each: what one writes into it, the next must not see.
            try:
                answer, later = ask(member, observation.copy(), own, shape, self.choices)
            except WrongAnswerError as error:
                raise PolicyError(f"policy {name!r} {error}") from None
            answers.append(answer)
            memories.append(later)
        rows = self.member_of[None, :, :, None]
        return np.take_along_axis(np.stack(answers), rows, axis=0)[0], tuple(memories)


@dataclass(frozen=True, slots=True)
class Blinkered:
    """A policy that sees its own rows; in place of all others it sees rows of a strange community.

    The stranger is the last community of the batch: of the same days, drawn with another seed, and
    this policy has all of its seats. So every row is a possible one, and none reveals anything
    about a neighbour. A decentralised policy answers on its own rows as if it saw everything.
    """

    policy: Policy
    own: BoolArray  # (batch, agent), all of the last community

    def start(self, seeds: Sequence[int]) -> Any:
        """The policy's memory."""
        return self.policy.start(seeds)

    def act(self, observation: Float32Array, memory: Any) -> tuple[NDArray[Any], Any]:
        """The policy's answer to its own rows and those of the stranger."""
        seen = np.where(self.own[..., None], observation, observation[-1:])
        return self.policy.act(seen, memory)
