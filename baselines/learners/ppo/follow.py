"""A warm start for choices: a baseline says what it would do where the actor has got to.

In the first round the baseline plays, in the others the actor, and the baseline is asked all the
same: so the actor learns what to do after its own mistakes.

Source: Ross, Gordon, Bagnell (2011), arXiv:1011.0686 (DAgger).
"""

from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from baselines.learners.ppo.args import Args
from baselines.learners.ppo.choices import ChoiceActor, Shown
from baselines.learners.ppo.collect import batch_of, first_seed
from p2p_market.errors import PolicyError
from p2p_market.evaluation.players.policy import Policy, load_policy
from p2p_market.track import AnyScenario, Role

ROUNDS: Final = 4
MINIBATCH: Final = 512
RATE: Final = 1e-3
"""Learning rate of Adam."""
LAST: Final = 2
"""Times as many epochs in the last round, in which the learning rate falls to 0."""

Lesson = tuple[Tensor, Tensor, Tensor]
"""Inputs, choices of the baseline and what was allowed, (row, ...) each."""


def follow(
    scenario: AnyScenario,
    role: Role,
    inputs: Shown,
    actor: ChoiceActor,
    args: Args,
    generator: torch.Generator,
) -> None:
    """Fit the actor to a baseline on training weeks of its own.

    Raises:
        PolicyError: if there is no such baseline, or it needs to know the week.
    """
    expert = load_policy(args.imitate, scenario, role.name)
    if not isinstance(expert, Policy):
        raise PolicyError(f"imitate {args.imitate!r}: choices are learnt from a policy")
    fleets = max(1, args.imitate_weeks // ROUNDS)
    batch = batch_of(scenario, role, fleets)
    seen, allowed = batch.reset(first_seed(args) + args.communities)
    optimiser = torch.optim.Adam(actor.parameters(), lr=RATE)
    lessons: list[Lesson] = []
    for number in range(ROUNDS):
        memory: Any = expert.start([0] * fleets)
        carried = torch.zeros(*seen.shape[:2], inputs.carried)
        for _ in range(scenario.steps):
            rows, mask = torch.from_numpy(seen), torch.from_numpy(allowed)
            shown, carried = inputs(rows, carried), inputs.after(rows, carried)
            told, memory = expert.act(seen, memory)
            lessons.append(_lesson(shown, torch.from_numpy(told), mask))
            if number:
                with torch.inference_mode():
                    told = actor.drawn(shown, mask, generator)[0].numpy()
            step = batch.step(np.asarray(told, dtype=np.float64))
            seen, allowed = step.observations, step.masks
        _fit(actor, lessons, optimiser, args, generator, number + 1 == ROUNDS)


def _lesson(shown: Tensor, told: Tensor, mask: Tensor) -> Lesson:
    return shown.flatten(0, 1), told.long().flatten(0, 1), mask.flatten(0, 1)


def _fit(
    actor: ChoiceActor,
    lessons: list[Lesson],
    optimiser: torch.optim.Optimizer,
    args: Args,
    generator: torch.Generator,
    last: bool,
) -> None:
    """Raise the probability of all that the baseline chose."""
    inputs, choices, allowed = (torch.cat(parts) for parts in zip(*lessons, strict=True))
    epochs = args.imitate_epochs * (LAST if last else 1)
    for epoch in range(epochs):
        if last:
            optimiser.param_groups[0]["lr"] = RATE * (1.0 - epoch / epochs)
        for rows in torch.split(torch.randperm(len(inputs), generator=generator), MINIBATCH):
            known, _ = actor.judged(inputs[rows], inputs[:0], choices[rows], allowed[rows])
            optimiser.zero_grad(set_to_none=True)
            (-known.mean()).backward()  # type: ignore[no-untyped-call]
            optimiser.step()
