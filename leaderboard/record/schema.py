"""The published form of `result.json`: JSON Schema, generated from the model that reads it.

`python -m leaderboard.record.schema` writes it again; a test compares it with the model.
"""

import json
from pathlib import Path
from typing import Final

from leaderboard.record.record import Record
from p2p_market.files import write_text

PATH: Final = Path(__file__).resolve().parents[1] / "schema" / "result.json"
DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def schema_text() -> str:
    """The schema as text of the file."""
    schema = {"$schema": DIALECT, **Record.model_json_schema()}
    return json.dumps(schema, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    write_text(PATH, schema_text())
