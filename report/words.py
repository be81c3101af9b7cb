"""Names in sentences."""


def in_words(baseline: str) -> str:
    """The name of a baseline in a sentence, for example "no trade"."""
    return baseline.replace("-", " ")
