"""A first run with rows of zeros, in the limited process alone."""

from typing import Any, Final

import numpy as np

from baselines.learners.onnx_policy.layout import INPUT, NEXT_STATE, OUTPUT, STATE
from leaderboard.gate.interface import Interface
from leaderboard.gate.refused import RefusedError
from leaderboard.sandbox.session import open_session
from leaderboard.visible import visible

ROWS: Final = (1, 3)
"""A seat may have several rows, one for each of its devices."""


def play_zeros(model: bytes, interface: Interface) -> None:
    """Two steps for one row, and for three.

    Raises:
        RefusedError: if it does not run, or its answers have a wrong shape, NaN or infinity.
    """
    try:
        session = open_session(model)
        for rows in ROWS:
            _two_steps(session, interface, rows)
    except RefusedError:
        raise
    except Exception as error:  # onnxruntime's errors have no other base of their own
        raise RefusedError(
            f"does not run with rows of zeros; onnxruntime says: {visible(str(error), 200)}"
        ) from None


def _two_steps(session: Any, interface: Interface, rows: int) -> None:
    expected = {OUTPUT: (rows, interface.outputs)}
    given = {INPUT: np.zeros((rows, len(interface.columns)), dtype=np.float32)}
    if interface.state:
        expected[NEXT_STATE] = given_shape = (rows, interface.state)
        given[STATE] = np.zeros(given_shape, dtype=np.float32)
    for _ in range(2):
        answers = dict(zip(expected, session.run(list(expected), given), strict=True))
        for name, shape in expected.items():
            if answers[name].shape != shape or answers[name].dtype != np.float32:
                raise RefusedError(
                    f"{name}: is {answers[name].shape} for {rows} rows; it must be {shape}"
                )
            if not np.isfinite(answers[name]).all():
                raise RefusedError(
                    f"{name}: is NaN or infinite for rows of zeros; check its divisions"
                )
        if interface.state:
            given[STATE] = answers[NEXT_STATE]


def run_unseen(model: bytes) -> dict[str, Any]:
    """Load and run whatever it is, unseen: what the limits alone are worth, for the tests."""
    session = open_session(model)
    given = {}
    for one in session.get_inputs():
        shape = [side if isinstance(side, int) else 1 for side in one.shape]
        given[one.name] = np.zeros(shape, dtype=np.float32)
    return {"outputs": len(session.run(None, given))}
