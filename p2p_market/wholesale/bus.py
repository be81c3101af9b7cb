"""Carries messages to whoever wants an inbox: synchronous, in order, without a clock."""

from collections import deque
from collections.abc import Iterable
from dataclasses import replace

from p2p_market.errors import ArgumentError
from p2p_market.messages import EVERYBODY, Message
from p2p_market.wholesale.messages import PHASES


class MessageBus:
    """A queue per receiver; what was sent waits until its phase is delivered.

    Messages of a phase arrive in the order in which they were sent.
    """

    def __init__(self, agents: Iterable[str]) -> None:
        """Empty queues.

        Args:
            agents: names of all that can receive.
        """
        self._inboxes: dict[str, deque[Message]] = {agent: deque() for agent in agents}
        self._waiting: dict[str, deque[Message]] = {phase: deque() for phase in PHASES}

    def send(self, message: Message) -> None:
        """Accept a message for one agent, or for all if its receiver is EVERYBODY.

        Raises:
            ArgumentError: if nobody has the receiver's name, or there is no such phase.
        """
        if message.receiver != EVERYBODY and message.receiver not in self._inboxes:
            raise ArgumentError(
                f"bus: nobody is called {message.receiver!r}; send to one of "
                f"{', '.join(self._inboxes)} or to {EVERYBODY!r}"
            )
        self._waiting[_known(message.phase)].append(message)

    def broadcast(self, message: Message) -> None:
        """Accept a message for all but its sender, whoever it names.

        Raises:
            ArgumentError: if there is no such phase.
        """
        self.send(replace(message, receiver=EVERYBODY))

    def deliver(self, phase: str) -> int:
        """Move what waits for a phase into the inboxes; returns how many messages.

        Raises:
            ArgumentError: if there is no such phase.
        """
        waiting, delivered = self._waiting[_known(phase)], 0
        while waiting:
            message, delivered = waiting.popleft(), delivered + 1
            if message.receiver != EVERYBODY:
                self._inboxes[message.receiver].append(message)
                continue
            for agent, inbox in self._inboxes.items():
                if agent != message.sender:
                    inbox.append(message)
        return delivered

    def take(self, agent: str) -> tuple[Message, ...]:
        """All that has arrived for an agent, the oldest first; its inbox is empty then.

        Raises:
            ArgumentError: if nobody has the name.
        """
        if agent not in self._inboxes:
            raise ArgumentError(f"bus: nobody is called {agent!r}; ask for one of the agents")
        inbox = self._inboxes[agent]
        arrived = tuple(inbox)
        inbox.clear()
        return arrived


def _known(phase: str) -> str:
    if phase not in PHASES:
        raise ArgumentError(f"bus: there is no phase {phase!r}; phases are {', '.join(PHASES)}")
    return phase
