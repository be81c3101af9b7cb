"""The track `wholesale` in pictures: six views of a play, for the page and for the dashboard."""

from pathlib import Path
from typing import Final

DASHBOARD: Final = str(Path(__file__).with_name("dashboard.py"))
"""File of the Streamlit page; it imports what only its extra brings."""
