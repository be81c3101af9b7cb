"""What goes over the pipes: a fixed header, then the number of bytes that it names.

An answer repeats the number and the nonce of its question, so it cannot come before the question.
"""

import struct
from typing import Final

HEADER: Final = struct.Struct("<4sI16sI")  # mark, number, nonce, bytes that follow
MARK: Final = b"p2p1"
NONCE_BYTES: Final = 16
LONGEST: Final = 2**26  # a network has at most 10 MiB, rows far less


def framed(number: int, nonce: bytes, payload: bytes) -> bytes:
    """A question or an answer."""
    return HEADER.pack(MARK, number, nonce, len(payload)) + payload
