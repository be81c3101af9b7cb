"""What the site is made of: the pages of `docs/`, what they link to, and the reference.

The first page is `docs/README.md`; the links below its headings are the navigation of the site.
Pages link to files of the checkout that are no pages: each of these becomes a page that shows it.
"""

import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tools.site.reference import REFERENCE, SCHEMAS

ROOT: Final = Path(__file__).resolve().parent.parent.parent
DOCS: Final = ROOT / "docs"
FILES: Final = "files"
LINK: Final = re.compile(r"(?<!!)\[([^\]]*)\]\((?!https?:|mailto:|#)([^)\s#]+)(#[^)\s]*)?\)")
SECTION: Final = re.compile(r"^## (.+)\n((?:(?!## ).*\n?)*)", flags=re.MULTILINE)
FENCE: Final = "`" * 6
LANGUAGES: Final = {".py": "python", ".toml": "toml", ".yaml": "yaml", ".json": "json"}
API: Final = "API and schemas"


def gather(folder: Path) -> None:
    """Write all pages into a new folder."""
    shutil.copytree(DOCS, folder)
    waiting = sorted(DOCS.rglob("*.md"))
    done = set(waiting)
    while waiting:
        origin = waiting.pop()
        page = page_of(origin, folder)
        page.parent.mkdir(parents=True, exist_ok=True)
        text, targets = linked(origin, folder)
        page.write_text(text, encoding="utf-8")
        waiting += targets - done
        done |= targets
    reference = {title: _modules(about, names) for title, (about, names) in REFERENCE.items()}
    reference["Schemas of files"] = "\n\n".join(_schemas())
    (folder / "api").mkdir()
    for title, text in reference.items():
        path = folder / "api" / f"{title.lower().replace(' ', '-')}.md"
        path.write_text(f"# {title}\n\n{text}\n", encoding="utf-8")
    start = folder / "README.md"
    start.write_text(navigated(start.read_text("utf-8"), folder), encoding="utf-8")


def page_of(target: Path, folder: Path) -> Path:
    """Where the page of a file stands."""
    if target.is_relative_to(DOCS):
        return folder / target.relative_to(DOCS)
    name = target.relative_to(ROOT).as_posix()
    return folder / FILES / (name if name.endswith(".md") else f"{name}.md")


def linked(origin: Path, folder: Path) -> tuple[str, set[Path]]:
    """A page as the site has it, and the files outside `docs/` to which it links."""
    outside = not origin.is_relative_to(DOCS)
    text = origin.read_text(encoding="utf-8")
    if outside and origin.suffix != ".md":
        name = origin.relative_to(ROOT).as_posix()
        language = LANGUAGES.get(origin.suffix, "text")
        shown = f"# `{name}`\n\n{FENCE}{language}\n{text}\n{FENCE}\n"
        return f"---\norphan: true\nnosearch: true\n---\n\n{shown}", set()
    targets: set[Path] = set()

    def placed(found: re.Match[str]) -> str:
        words, path, anchor = found[1], found[2], found[3] or ""
        target = (origin.parent / path).resolve()
        if target.is_dir():
            return words
        if not target.is_relative_to(DOCS):
            targets.add(target)
            anchor = anchor if target.suffix == ".md" else ""
        page = page_of(target, folder)
        there = os.path.relpath(page, page_of(origin, folder).parent)
        return f"[{words}]({there}{anchor})"

    front = "---\norphan: true\n---\n\n" if outside else ""
    return front + LINK.sub(placed, text), targets


def navigated(text: str, folder: Path) -> str:
    """The first page, with the navigation: what its headings and links make, and the reference."""
    groups = {
        title: [path for _, path, _ in LINK.findall(section)]
        for title, section in SECTION.findall(text)
    }
    groups[API] = [f"api/{path.name}" for path in sorted((folder / "api").glob("*.md"))]
    trees = [
        "\n".join([f"```{{toctree}}\n:hidden:\n:caption: {title}\n", *pages, "```"])
        for title, pages in groups.items()
    ]
    return "\n\n".join([text, *trees, ""])


def _modules(about: str, names: tuple[str, ...]) -> str:
    parts = [about]
    for name in names:
        parts += [f"## `{name}`", f"```{{eval-rst}}\n.. automodule:: {name}\n```"]
    return "\n\n".join(parts)


def _schemas() -> Iterator[str]:
    yield "What the files may hold, as JSON Schema, written from the classes that read them."
    for title, schema in SCHEMAS.items():
        yield f"## {title}\n\n```json\n{json.dumps(schema(), indent=1)}\n```"
