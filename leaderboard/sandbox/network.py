"""What the policy's process does with a network: asks it seat by seat."""

from typing import Any

import numpy as np

from baselines.learners.onnx_policy.layout import INPUT, NEXT_STATE, OUTPUT, STATE
from leaderboard.sandbox.session import open_session


class Network:
    """A network that is shown the rows of one seat at a time."""

    def __init__(self, setup: dict[str, Any], model: bytes) -> None:
        """Load it.

        Args:
            setup: `columns`, `width` and `state`, numbers per row; `seats`, rows of each seat.
            model: the file.
        """
        self.session = open_session(model)
        self.columns, self.width, self.state = (setup[key] for key in ("columns", "width", "state"))
        self.seats: list[list[int]] = setup["seats"]
        self.rows = sum(map(len, self.seats))

    def __call__(self, payload: bytes) -> bytes:
        """Outputs and next states of all rows, out of rows and states; float32 each."""
        given = np.frombuffer(payload, dtype=np.float32)
        rows = given[: self.rows * self.columns].reshape(self.rows, self.columns)
        state = given[self.rows * self.columns :].reshape(self.rows, self.state)
        output = np.zeros((self.rows, self.width), dtype=np.float32)
        later = np.zeros_like(state)
        for own in self.seats:
            if self.state:
                asked = {INPUT: rows[own], STATE: state[own]}
                output[own], later[own] = self.session.run([OUTPUT, NEXT_STATE], asked)
            else:
                (output[own],) = self.session.run([OUTPUT], {INPUT: rows[own]})
        return output.tobytes() + later.tobytes()
