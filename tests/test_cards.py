"""The cards are what the code says."""

import pytest

from p2p_market.market import MECHANISMS
from tools import build_cards


@pytest.mark.parametrize("name", build_cards.PAGES)
def test_the_card_is_up_to_date(name):
    if name == "baselines":
        pytest.importorskip("cvxpy")
    written = (build_cards.FOLDER / f"{name}.md").read_text(encoding="utf-8")
    assert written == build_cards.PAGES[name](), "run: python -m tools.build_cards"


def test_every_mechanism_names_its_source():
    page = build_cards.mechanisms()
    for section in page.split("\n## ")[1:]:
        assert "doi:" in section
    assert page.count("\n## ") == len(MECHANISMS)
