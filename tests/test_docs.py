"""The tutorial pages do what they say, in a copy of the checkout."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from p2p_market.tracks import GROUP

pytest.importorskip("cvxpy")

ROOT = Path(__file__).resolve().parent.parent
BLOCK = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```", flags=re.MULTILINE | re.DOTALL)
ALL = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "leaderboard/README.md")),
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "docs" / "tracks").glob("*.md")),
    *sorted((ROOT / "docs" / "notebooks").glob("*.ipynb")),
]
PAGES = sorted(
    path.relative_to(ROOT / "docs").as_posix()
    for folder in (ROOT / "docs", ROOT / "docs" / "tracks")
    for path in folder.glob("*.md")
    if "```python" in path.read_text("utf-8")
)
COPIED = ("p2p_market", "baselines", "configs", "report")


@pytest.fixture
def checkout(tmp_path):
    for name in COPIED:
        ignored = shutil.ignore_patterns("*.tmp.*")  # another test is compiling, and keeps it soon
        shutil.copytree(ROOT / name, tmp_path / name, ignore=ignored)
    return tmp_path


def place(folder: Path, options: str, text: str) -> None:
    """Write a file of the page, or put its lines after a line of a file that is there."""
    name, after = re.fullmatch(r' file=(\S+)(?: after="(.*)")?', options).groups()
    path = folder / name
    if after is None:
        path.write_text(text, encoding="utf-8")
        return
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    (number,) = (n for n, line in enumerate(lines) if line.startswith(after))
    path.write_text("".join([*lines[: number + 1], text, *lines[number + 1 :]]), encoding="utf-8")


def run(folder: Path, *arguments: str, **more: str) -> str:
    own = {"PYTHONPATH": str(folder), "P2P_MARKET_DATA": str(folder / "data")}
    environment = {**os.environ, **own, **more}
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def arguments(line: str, folder: Path) -> list[str]:
    """What the interpreter is given for a command of a page; RUN is the newest run."""
    runs = sorted(path.parent.name for path in folder.glob("results/*/run.json"))
    line = line.replace("results/RUN", f"results/{runs[-1]}") if runs else line
    return line.replace("p2p-market ", "-m p2p_market ").removeprefix("python ").split()


FEW_STEPS = {"looking-back.md": {"NUMBA_DISABLE_JIT": "1"}}
"""Pages whose communities no test plays, for so few steps that compiling would take longer."""


@pytest.mark.long
@pytest.mark.parametrize("page", PAGES)
def test_page(page, checkout):
    said, expected, screen = "", "", ""
    for language, options, text in BLOCK.findall((ROOT / "docs" / page).read_text("utf-8")):
        if options.startswith(" from="):
            assert text in (ROOT / options.removeprefix(" from=")).read_text("utf-8")
        elif options.startswith(" file="):
            place(checkout, options, text)
        elif language == "bash" and options == " run":
            screen = "".join(
                run(checkout, *arguments(line, checkout)) for line in text.splitlines()
            )
        elif language == "text" and options == " excerpt":
            assert text in screen
        elif language == "python":
            assert options == " run", f"{page}: a block that nobody runs"
            said += run(checkout, "-c", text, **FEW_STEPS.get(page, {}))
        elif language == "text":
            expected += text
    assert said == expected


ROOMS = "p2p_market|baselines|leaderboard|report|tests|tools|configs"
PATH = re.compile(rf"(?<![\w./-])(?:{ROOMS})/[\w./<>-]*[\w/>]")
FILE = re.compile(r"`(\w+\.py)`")
LINK = re.compile(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)")
DOTTED = re.compile(rf"(?<![\w./-])((?:{ROOMS})(?:\.\w+)+)(?::(\w+)| import ([\w, ]+))?")
MADE = re.compile(r"/\d+$|/2026-1/")
"""Ends of names of formats, as in `p2p_market/summary/1`, and the season of an example."""


def is_module(dotted: str) -> bool:
    place = ROOT.joinpath(*dotted.split("."))
    return place.is_dir() or place.with_suffix(".py").is_file()


def knows(dotted: str, name: str) -> bool:
    """Whether a module has something of that name."""
    place = ROOT.joinpath(*dotted.split("."))
    file = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
    within = is_module(f"{dotted}.{name}")
    return within or (file.is_file() and bool(re.search(rf"\b{name}\b", file.read_text("utf-8"))))


def lost(text: str, folder: Path = ROOT) -> set[str]:
    """Paths, links and dotted names of a page that lead nowhere; `<name>` stands for any."""
    made = set(re.findall(r" file=(\S+)", text))
    paths = {one for one in PATH.findall(text) if not MADE.search(one)} - made
    found = {one for one in paths if not any(ROOT.glob(re.sub("<[^>]*>", "*", one)))}
    code = {path.name for room in ROOMS.split("|") for path in (ROOT / room).rglob("*.py")}
    found |= set(FILE.findall(text)) - made - code
    found |= {one for one in LINK.findall(text) if not (folder / one).exists()}
    for dotted, attribute, names in DOTTED.findall(text):
        if dotted.partition(".")[2] in ("md", "html", "py"):
            continue
        module, own = dotted, [attribute] if attribute else re.findall(r"\w+", names)
        if not is_module(module):
            module, _, last = dotted.rpartition(".")
            own = [last]
        new = {name for name in own if f"{module}.{name}".replace(".", "/") + ".py" in made}
        if not is_module(module) or not all(knows(module, name) for name in {*own} - new):
            found.add(dotted)
    return found


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.name)
def test_what_a_page_names_is_there(path):
    assert lost(path.read_text("utf-8"), path.parent) == set()


@pytest.mark.parametrize(
    "text",
    [
        "see p2p_market/tariff.py",
        "`baselines/<name>/learn.py`",
        "the room `evaluating.py`",
        "[here](docs/nowhere.md)",
        "p2p_market.tariff",
        "p2p_market.registry.REFERENCES",
        "baselines.rule.policy:bid",
        "from p2p_market.market import MECHANISMS, markets",
    ],
)
def test_what_is_not_there_is_seen(text):
    assert len(lost(text)) == 1


FIGURE = re.compile(r"(?<![\w.])-?\d+\.\d+|\d+(?= (?:EUR|%))")
TUTORIALS = [
    page
    for page in PAGES
    if "file=" in (ROOT / "docs" / page).read_text("utf-8") and not page.startswith("tracks/")
]
"""The page of a track states its rules; other tests compare the figures of those."""


def loose_figures(text: str) -> set[str]:
    """Figures of a page's sentences that stand in none of its blocks."""
    blocks = " ".join(block for _, _, block in BLOCK.findall(text))
    sentences = re.sub(r"`[^`]*`", "", BLOCK.sub("", text))
    return set(FIGURE.findall(sentences)) - set(FIGURE.findall(blocks))


@pytest.mark.parametrize("page", TUTORIALS)
def test_figures_in_sentences_are_those_of_the_run(page):
    """What a run prints stands in a block, which `test_page` compares; sentences quote it."""
    assert loose_figures((ROOT / "docs" / page).read_text("utf-8")) <= RULES.get(page, set())


RULES = {
    "first-score.md": {"3.11"},
    "looking-back.md": {"-0.5", "0.5", "1"},
    "write-your-own-scenario.md": {"1.2", "10", "2"},
}
"""Bounds and versions that sentences state; they were not measured."""


def test_the_first_page_runs_all_but_the_install():
    text = (ROOT / "docs" / "first-score.md").read_text("utf-8")
    commands = [text for language, options, text in BLOCK.findall(text) if not options]
    assert commands == [
        "python3 -m venv .venv\nsource .venv/bin/activate\npip install -e '.[optimal,report]'\n",
        "saved 50.00 EUR of 83.34 EUR; cost 279.92 EUR\n",
    ]


def test_the_page_on_tracks_names_the_group_that_is_read():
    text = (ROOT / "docs" / "write-your-own-track.md").read_text("utf-8")
    (block,) = (block for language, _, block in BLOCK.findall(text) if language == "toml")
    assert tomllib.loads(block)["project"]["entry-points"].keys() == {GROUP}


def test_every_page_is_in_the_list():
    listed = (ROOT / "docs" / "README.md").read_text("utf-8")
    pages = {path.name for path in (ROOT / "docs").glob("*.md")} - {"README.md"}
    pages |= {f"tracks/{path.name}" for path in (ROOT / "docs" / "tracks").glob("*.md")}
    assert {page for page in pages if f"({page}" not in listed} == set()


def test_a_figure_that_no_run_printed_is_seen():
    text = "Score 63.4 [49.9, 70.1], worst -11.9, 94 EUR.\n```text\n63.4 [49.9, 70.0] 11.9\n```\n"
    assert loose_figures(text) == {"70.1", "-11.9", "94"}


def test_the_agent_of_the_tutorial_learns():
    """It begins as the rule it is said to be, and costs less in the end."""
    text = (ROOT / "docs" / "train-your-first-agent.md").read_text("utf-8")
    rows = dict(re.findall(r"^([\w:-]+): (-?[\d.]+ \[.*)$", text, flags=re.MULTILINE))
    assert rows["linear_agent:untrained"] == rows["truthful"]
    scores = [float(rows[name].split()[0]) for name in ("truthful", "linear_agent:make")]
    assert scores[1] > scores[0] + 5.0
