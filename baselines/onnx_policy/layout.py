"""Names in an ONNX file that holds a policy."""

from typing import Final

INPUT: Final = "rows"
OUTPUT: Final = "output"
COLUMNS: Final = "columns"  # of the metadata, as the next
DECISION: Final = "decision"
