"""What a stranger wrote, fit for a terminal."""


def visible(text: str, longest: int = 60) -> str:
    """Letters as they are if they are ASCII and show, others as escapes; cut short."""
    shown = (
        letter if letter.isascii() and letter.isprintable() else ascii(letter)[1:-1]
        for letter in text[:longest]
    )
    return "".join(shown) + ("..." if len(text) > longest else "")
