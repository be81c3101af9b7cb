"""Strangers' text on a page: it stays text, and what hides in it is seen."""

import re
import unicodedata
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup, escape

KEPT: Final = "\n\t"
HIDDEN: Final = ("C", "Zl", "Zp")  # categories, by their beginning
LINK: Final = re.compile(r"https://[A-Za-z0-9._~:/?#@!&*+,;=%()-]{1,300}")
PAGE: Final = re.compile(r"([a-z][a-z0-9/-]*)\.(?:md|ipynb)(#[\w-]+)?")
DOI: Final = re.compile(r"10\.[0-9]{4,9}/[A-Za-z0-9._;()/:-]{1,100}")
ACCENTS: Final = 3  # on one letter; more would climb over the lines around it


def reader() -> Environment:
    """Templates that escape all they print, and show what hides in it."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).resolve().parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["short"] = short
    return environment


def shown(value: Any) -> Any:
    """A value as a template prints it: letters that hide, turn or pile up are shown as their code.

    Markup is ours and stays; everything else is escaped afterwards.
    """
    if isinstance(value, Markup) or not isinstance(value, str):
        return value
    if value.isascii() and value.isprintable():
        return value
    found, accents = [], 0
    for letter in value:
        category = unicodedata.category(letter)
        accents = accents + 1 if category.startswith("M") else 0
        hides = category.startswith(HIDDEN) and letter not in KEPT
        found.append(f"\\u{{{ord(letter):x}}}" if hides or accents > ACCENTS else letter)
    return "".join(found)


def short(text: str, longest: int = 60) -> str:
    """A text that fits a cell of a table, what hides in it shown."""
    text = shown(text)
    return text if len(text) <= longest else text[: longest - 1] + "…"


def link(address: str, text: str = "") -> Markup | str:
    """A link to an https address; anything else stays text."""
    if not LINK.fullmatch(address):
        return address
    said = escape(shown(text or address))
    return Markup(f'<a href="{escape(address)}" rel="nofollow noopener noreferrer">{said}</a>')


def doi_link(doi: str) -> Markup | str:
    """A link to the resolver of DOIs."""
    return link(f"https://doi.org/{doi}", doi) if DOI.fullmatch(doi) else doi


def markdown(text: str, docs: str = "") -> Markup:
    """Our own documents as HTML; HTML in them stays text, and links into the checkout lose it.

    Args:
        text: Markdown.
        docs: folder of the documentation, to whose pages links lead; "": they become text.
    """
    reader = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = reader.parse(text)
    for token in tokens:
        if token.children is not None:
            token.children = _links(token.children, docs)
    page = reader.renderer.render(tokens, reader.options, {})
    table = '<div class="wide" role="region" aria-label="Table" tabindex="0"><table class="words">'
    return Markup(page.replace("<table>", table).replace("</table>", "</table></div>"))


def _links(tokens: list[Token], docs: str) -> list[Token]:
    """Links to https get their rel, others become their text; so do pictures."""
    kept, open_links = [], []
    for token in tokens:
        if token.type == "link_open":
            address = str(token.attrs.get("href", ""))
            page = PAGE.fullmatch(address) if docs else None
            leads = page is not None or LINK.fullmatch(address) is not None
            open_links.append(leads)
            if page is not None:
                token.attrs["href"] = f"{docs}{page[1]}.html{page[2] or ''}"
            else:
                token.attrs["rel"] = "nofollow noopener noreferrer"
            if not leads:
                continue
        if token.type == "link_close" and not open_links.pop():
            continue
        if token.type != "image":
            kept.append(token)
    return kept
