"""Submissions: packed, checked, played and ranked. Works in a checkout, not from the wheel."""
