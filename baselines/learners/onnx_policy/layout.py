"""Names in an ONNX file that holds a policy."""

from typing import Final

INPUT: Final = "rows"
OUTPUT: Final = "output"
STATE: Final = "state"  # of networks that remember, and what it becomes
NEXT_STATE: Final = "next_state"
COLUMNS: Final = "columns"  # of the metadata, as the next
DECISION: Final = "decision"
ACTIONS: Final = "actions"
"""The last: optional, a JSON object, column of an action -> its outputs."""
