"""The tutorial pages do what they say, in a copy of the checkout."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("cvxpy")

ROOT = Path(__file__).resolve().parent.parent
BLOCK = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```", flags=re.MULTILINE | re.DOTALL)
PAGES = sorted(
    path.name for path in (ROOT / "docs").glob("*.md") if "```python" in path.read_text("utf-8")
)
COPIED = ("p2p_market", "baselines", "configs")


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


def run(folder: Path, *arguments: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(folder)}
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


@pytest.mark.compiled
@pytest.mark.parametrize("page", PAGES)
def test_page(page, checkout):
    said, expected = "", ""
    for language, options, text in BLOCK.findall((ROOT / "docs" / page).read_text("utf-8")):
        if options.startswith(" file="):
            place(checkout, options, text)
        elif language == "python":
            assert options == " run", f"{page}: a block that nobody runs"
            said += run(checkout, "-c", text)
        elif language == "text":
            expected += text
    assert said == expected
    if page == "train-your-first-agent.md":
        check_training(checkout)


def check_training(checkout: Path) -> None:
    """The agent learns: on test weeks it costs less than the rule it starts from."""
    run(checkout, "train.py")
    result = run(
        checkout,
        "-c",
        "from my_agent import Linear, WEIGHTS\n"
        "import numpy as np\n"
        "from p2p_market.episode import choose_key, draw, stack\n"
        "from p2p_market.evaluation.metrics import social_cost_eur\n"
        "from p2p_market.evaluation.policy import load_policy\n"
        "from p2p_market.evaluation.rollout import rollout\n"
        "from p2p_market.scenario import load_scenario\n"
        "s = load_scenario('classic-v0')\n"
        "e = stack([draw(s, choose_key(s, 0, 'test', w)) for w in range(13)])\n"
        "ps = [Linear(s, np.zeros(6)), load_policy('truthful', s), Linear(s, np.load(WEIGHTS))]\n"
        "print(*[social_cost_eur(rollout(s, e, p)).mean() for p in ps])",
    )
    zero, truthful, learned = (float(number) for number in result.split())
    assert zero == pytest.approx(truthful)
    assert learned < truthful - 10.0
