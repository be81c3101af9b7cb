"""Names in an ONNX file that holds a policy."""

from typing import Final

INPUT: Final = "rows"
OUTPUT: Final = "output"
STATE: Final = "state"  # a network that remembers has this input and the next output
NEXT_STATE: Final = "next_state"
COLUMNS: Final = "columns"  # of the metadata, as the next
DECISION: Final = "decision"
