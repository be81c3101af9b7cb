"""Names in an ONNX file that holds a policy."""

from typing import Final

INPUT: Final = "observation"
OUTPUT: Final = "output"
FEATURES: Final = "features"  # of the metadata, as the next
DECISION: Final = "decision"
