"""The page of a real run: complete, self-contained, and saying what the rows say."""

import importlib
import re
from dataclasses import asdict, dataclass, field, replace
from html.parser import HTMLParser

import numpy as np
import pytest

from p2p_market.community.baselines import RULE
from p2p_market.community.portfolio import gains_eur
from p2p_market.evaluation.benchmark import assemble, evaluate
from p2p_market.evaluation.players.conduct import Conduct
from p2p_market.evaluation.players.failure import Failure
from p2p_market.evaluation.players.player import Attempt
from p2p_market.evaluation.statistics.summary import Summary
from p2p_market.evaluation.tables.comparison import compare_within
from p2p_market.registry import load_scenario
from p2p_market.track import OPTIMUM
from p2p_market.tracks import track_of
from report import table

for needed in ("cvxpy", "highspy", "clarabel"):
    pytest.importorskip(needed)
mpl = pytest.importorskip("matplotlib")
pytest.importorskip("jinja2")
figures = importlib.import_module("report.figures")  # a fault of its own must not skip
losses = importlib.import_module("report.community.losses")
money = importlib.import_module("report.money")
savings = importlib.import_module("report.community.savings")
columns = importlib.import_module("report.columns")
pages = importlib.import_module("report.pages")
write = importlib.import_module("report.page").write

pytestmark = pytest.mark.xdist_group("report")  # one run for all of them

VOID = {"meta", "img", "br", "link", "input", "hr"}
BAD_TITLE = '<script>alert("$x_1$ & more")</script>'


@dataclass
class Page(HTMLParser):
    """What the tests look for on a page."""

    attributes: list[tuple[str, str, str | None]] = field(default_factory=list)
    images: list[dict[str, str | None]] = field(default_factory=list)
    tables: list[list[list[str]]] = field(default_factory=list)  # body rows of each table
    tags: list[str] = field(default_factory=list)
    open_tags: list[str] = field(default_factory=list)
    text: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]
        if tag == "img":
            self.images.append(dict(attrs))
        if tag == "tbody":
            self.tables.append([])
        if tag == "tr" and "tbody" in self.open_tags:
            self.tables[-1].append([])
        if tag in ("th", "td") and "tbody" in self.open_tags:
            self.tables[-1][-1].append("")
        if tag not in VOID:
            self.open_tags.append(tag)

    def handle_endtag(self, tag):
        assert self.open_tags.pop() == tag

    def handle_data(self, data):
        self.text.append(data)
        if "tbody" in self.open_tags and self.open_tags[-1] in ("th", "td"):
            self.tables[-1][-1][-1] += data.strip()


def every(result):
    """All columns of its track, those that say nothing here too."""
    scenario = result.scenario
    return columns.every(track_of(scenario).CARD, pages.pages_of(scenario))


def parse(path) -> Page:
    page = Page()
    page.feed(path.read_text(encoding="utf-8"))
    page.close()
    assert page.open_tags == []
    return page


def number(cell: str) -> float:
    if cell == table.NONE:
        return float("nan")
    return float(cell.replace(table.MINUS, "-").replace(table.THIN, ""))


@pytest.fixture(scope="module")
def result():
    return evaluate(load_scenario("classic-v0"), ["truthful", "random"], weeks=[5, 6])


@pytest.fixture(scope="module")
def path(result, tmp_path_factory):
    return write([result], tmp_path_factory.mktemp("run") / "new", "A run")


def test_the_page_is_one_file_and_calls_nobody(path):
    page = parse(path)
    assert path.name == "report.html"
    assert [file.name for file in path.parent.iterdir()] == ["report.html"]
    assert {"script", "link", "iframe", "object", "embed"}.isdisjoint(page.tags)
    for tag, name, value in page.attributes:
        assert not name.startswith("on"), (tag, name)
        if name in ("src", "href", "srcset", "action", "poster", "data"):
            assert (value or "").startswith(("#", "data:image/")), (tag, name, value)
    style = re.search(r"<style>(.*?)</style>", path.read_text("utf-8"), re.DOTALL)[1]
    assert "@import" not in style
    assert "url(" not in style
    assert "prefers-color-scheme: dark" in style


def test_every_figure_says_what_it_shows(path):
    page = parse(path)
    assert len(page.images) == 6
    for image in page.images:
        assert len(image["alt"]) > 40
    assert page.tags.count("figcaption") == page.tags.count("figure") == 6


def test_the_table_agrees_with_the_rows(result, path):
    rows, *_ = parse(path).tables
    assert [row[0] for row in rows] == [RULE, "truthful", "random", OPTIMUM]
    for row, shown in zip(result.rows, rows, strict=True):
        for column, cell in zip(columns.shown(result), shown[1:], strict=True):
            _, _, decimals = cell.partition(".")
            half = 0.5000001 * 10.0 ** -len(decimals)
            expected = pytest.approx(column.of(row), abs=half, nan_ok=True)
            assert number(cell) == expected, (row.policy, column.name)


def test_causes_stand_beside_what_they_cost(result, path):
    *_, causes, _ = parse(path).tables
    best = result.rows[-1].social_cost_eur.mean()
    assert [row[0] for row in causes] == [RULE, "truthful", "random"]
    for row, (_, total, *parts) in zip(result.rows[:-1], causes, strict=True):
        assert number(total) == pytest.approx(row.social_cost_eur.mean() - best, abs=0.0051)
        assert sum(map(number, parts)) == pytest.approx(number(total), abs=0.02)
    text = " ".join(" ".join(parse(path).text).split())
    total = table.amount(float(result.rows[1].lost.total_eur.mean()), 1)
    assert f"truthful loses {total} EUR a week: " in text


def test_policies_are_compared_with_the_one_that_others_are_measured_against(result, path):
    _, ((name, *cells), *others), *_ = parse(path).tables
    (found,) = compare_within(result)
    assert (name, others, found.second) == ("random", [], "truthful")
    for cell, end in zip(cells[:3], asdict(found.score).values(), strict=True):
        assert number(cell) == pytest.approx(end, abs=0.0501)
    rows = {row.policy: row.social_cost_eur.mean() for row in result.rows}
    assert number(cells[3]) == pytest.approx(rows["random"] - rows["truthful"], abs=0.00501)
    assert "Each policy less truthful on the same weeks" in path.read_text("utf-8")


def test_what_trading_brought_stands_on_the_page(result, path):
    *_, brought = parse(path).tables
    assert [row[0] for row in brought] == ["truthful", "random", "optimum"]
    for name, profit, *_ in brought:
        played = result.trajectories[name]
        gains = gains_eur(result.scenario, result.episode, played).sum(axis=(0, 2))
        assert number(profit) == pytest.approx(gains.mean(), abs=0.00501)


def test_a_sentence_names_the_largest_causes_and_their_hours(result):
    rule = result.rows[1].lost
    eur = np.zeros((1, len(rule.causes), 24))
    eur[0, [cause.choice for cause in rule.causes].index("full"), [23, 0]] = 30.0
    eur[0, 0] = 1.6  # at all hours
    eur[0, -1, 5] = 1.6  # too little to be told
    lost = replace(rule, lost_eur=eur, member_eur=np.array([[90.0, 1.0, 1.0, 1.0, 1.0, 1.0]]))
    row = replace(result.rows[1], lost=lost, gaps_eur={"allocation": np.array([40.0])})
    nbsp = "\N{NO-BREAK SPACE}"
    told = (
        f"loses 100.0 EUR a week: battery too full 60{nbsp}% (mostly 23 to 1 h), trade with the "
        f"grid {{}} 38{nbsp}% (at all hours). Most at prosumer_0: 90{nbsp}%."
    )
    assert losses.sentence(row, row, "a week") == told.format("instead of neighbours")
    matched = replace(row, gaps_eur={"allocation": np.array([0.0])})
    left = "that better storage would have left to neighbours"  # nothing there was left unmatched
    assert losses.sentence(matched, row, "a week") == told.format(left)
    little = replace(row, lost=replace(lost, lost_eur=0.001 * eur))
    assert losses.sentence(little, row, "a week") == "loses 0.1 EUR a week: next to nothing."


def test_where_no_prices_prove_the_bound_nothing_is_split(result, tmp_path):
    rows = tuple(replace(row, lost=None) for row in result.rows)
    page = parse(write([replace(result, rows=rows)], tmp_path, "Whole numbers"))
    assert len(page.images) == 5
    assert len(page.tables) == 3
    assert "no prices prove its bound" in " ".join(page.text)


def test_entries_and_savings_add_up(result):
    for row, own in zip(result.rows, money.entries_eur(result), strict=True):
        assert own.sum() == pytest.approx(row.social_cost_eur.mean())
    rule, *_, best = result.rows
    saved = savings.savings_eur(result, OPTIMUM)
    assert saved.shape == (len(result.scenario.agents),)
    # No operator's balance: what members save together is what the community saves.
    assert saved.sum() == pytest.approx(rule.social_cost_eur.mean() - best.social_cost_eur.mean())
    assert savings.savings_eur(result, RULE).tolist() == [0.0] * len(saved)


def test_the_lorenz_curve_begins_with_whoever_saves_least():
    curve = savings.lorenz_eur(np.array([5.0, -2.0, 1.0]))
    assert curve.tolist() == [0.0, -2.0, -1.0, 4.0]


def test_the_page_tells_of_interventions(result, path):
    assert "The supervisor intervened in no episode." in path.read_text(encoding="utf-8")


def test_columns_that_are_zero_for_all_are_left_out(result):
    names = [column.name for column in columns.shown(result)]
    assert "lost load" not in names
    assert "filter" in names
    units = {column.name: column.unit for column in columns.shown(result)}
    assert units["cost"] == units["dispatch gap"] == "EUR a week"  # as on the screen
    assert not any("{" in unit for unit in units.values())


def test_columns_are_what_their_headings_say(result):
    by_name = {column.name: column.of for column in every(result)}
    row = result.rows[1]
    assert by_name["score"](row) == row.score.point
    assert by_name["95 % from"](row) == row.score.low
    assert by_name["cost"](row) == row.social_cost_eur.mean()
    gaps = by_name["dispatch gap"](row) + by_name["allocation gap"](row)
    best = result.rows[-1].social_cost_eur.mean()
    assert gaps == pytest.approx(by_name["cost"](row) - best, abs=1e-9)
    assert by_name["peak"](row) == row.metrics["peak"].max()
    assert by_name["filter"](row) == row.metrics["corrected"].mean()


def test_the_certificate_and_the_data_labels_stand_on_the_page(path):
    text = " ".join(" ".join(parse(path).text).split())
    assert "certificate holds in 2 of 2 weeks" in text
    assert "arithmetic on its dual prices, without a solver" in text
    assert "resampled from measured donor days" in text
    assert "CC-BY-4.0" in text
    assert "Mon 11 Jun" in text


def test_an_alarm_is_loud(result, tmp_path):
    first, *others = result.certificates
    broken = replace(first, replay_eur=first.replay_eur + 1.0)
    shown = replace(result, certificates=(broken, *others))
    page = parse(write([shown], tmp_path, "Broken"))
    assert ("div", "role", "alert") in page.attributes
    assert "certificate holds in 1 of 2 weeks" in " ".join(page.text)


def test_the_market_of_the_optimum_is_named_where_it_is_another(result):
    page = importlib.import_module("report.page")
    spec = result.scenario.spec.model_copy(update={"mechanism": "mcafee"})
    other = replace(result, scenario=replace(result.scenario, spec=spec))
    own = pages.pages_of(result.scenario)
    assert "mcafee; the optimum trades under k_double_auction" in page._ends(other, own)
    assert "mechanism" not in page._ends(result, own)


def test_bad_text_is_escaped(result, tmp_path):
    spec = result.scenario.spec.model_copy(update={"title": BAD_TITLE, "description": BAD_TITLE})
    bad = replace(result, scenario=replace(result.scenario, spec=spec))
    page = parse(write([bad, result], tmp_path, BAD_TITLE))
    assert "script" not in page.tags
    assert "".join(page.text).count(BAD_TITLE) == 5  # head, heading, contents, section, description


def test_odd_policy_names_are_drawn_as_they_are(result, tmp_path):
    name = "a_very_long_package.with_modules.of_$my$_<agent>:make_policy"
    played = dict(result.trajectories)
    played[name] = played.pop("truthful")
    rows = tuple(replace(r, policy=name) if r.policy == "truthful" else r for r in result.rows)
    page = parse(write([replace(result, trajectories=played, rows=rows)], tmp_path, "Odd"))
    assert page.tables[0][1][0] == name
    assert f"under {name}, random and optimum" in page.images[-1]["alt"]  # the week shows both
    assert figures.short(name).endswith("make_policy")


def test_marks_and_failures_stand_on_the_page(result, tmp_path):
    failure = Failure("policy 'random' failed <here>", 3, ("mine.py:7 in act: 1 / 0",))
    played = {row.policy: Attempt(result.trajectories[row.policy], row.conduct)
              for row in result.rows}  # fmt: skip
    knowing = Conduct("foresight", "centralised", False)
    played["truthful"] = replace(played["truthful"], conduct=knowing)
    played["random"] = Attempt(None, Conduct(failure=failure))
    proofs = result.certificates, result.prices
    marked = assemble(result.scenario, result.episode, played, *proofs)
    page = parse(write([marked], tmp_path, "Marks"))
    assert [row[0] for row in page.tables[0]] == [RULE, "truthful (f n c)", "random (x)", OPTIMUM]
    assert page.tables[0][2][1] == f"{table.MINUS}100.0"
    assert page.tables[0][2][-1] == table.NONE
    said = " ".join("".join(page.text).split())
    assert "random: failed (x); all its weeks count as a score of -100" in said
    assert "truthful: not reproducible (n)" in said
    assert str(failure).replace("\n ", "") in said
    assert "best between the ends" not in said
    assert {row.policy for row in marked.played} == {RULE, "truthful", OPTIMUM}


def test_a_single_week_and_no_policy_between_the_ends(tmp_path):
    alone = evaluate(load_scenario("classic-v0"), [], weeks=[5])
    page = parse(write([alone], tmp_path, "Ends"))
    assert [row[:3] for row in page.tables[0]] == [
        [RULE, "0.0", table.NONE],
        [OPTIMUM, "100.0", table.NONE],
    ]


def test_several_scenarios_have_a_list_of_contents(result, path, tmp_path):
    assert "nav" not in parse(path).tags
    page = parse(write([result, result], tmp_path, "Two"))
    links = [value for tag, name, value in page.attributes if (tag, name) == ("a", "href")]
    assert links == ["#classic-v0", "#classic-v0"]


def test_several_scenarios_are_summed_up(result, tmp_path):
    page = parse(write([result, result], tmp_path, "Two"))
    summary, against, *_ = page.tables
    assert [row[0] for row in summary] == ["truthful", RULE, "random"]
    assert [row[0] for row in against] == [RULE, "random"]
    assert number(against[0][1]) == -number(summary[0][1])  # no trade scores 0
    assert against[0][4:] == ["0", "0", "0"]
    assert len(page.images) == 1 + 2 * 6
    assert page.images[0]["alt"].startswith("Performance profiles; share of blocks")
    assert "truthful 100 %" in page.images[0]["alt"]
    again = write([result, result], tmp_path / "again", "Two")
    assert again.read_bytes() == (tmp_path / "report.html").read_bytes()


def test_scenarios_of_other_weeks_are_not_summed_up(result, tmp_path):
    keys = tuple(replace(key, start_day=key.start_day + 28) for key in result.episode.keys)
    later = replace(result, episode=replace(result.episode, keys=keys))
    page = parse(write([result, later], tmp_path, "Two"))
    assert len(page.tables) == 2 * 4
    assert "All scenarios" not in page.text


def test_without_the_best_rule_nothing_is_held_against_it(result, tmp_path):
    kept = tuple(row for row in result.rows if row.policy != "truthful")
    alone = replace(result, rows=kept)
    page = parse(write([alone, alone], tmp_path, "Two"))
    assert "Against truthful" not in page.text
    assert len(page.tables) == 1 + 2 * 3


def test_the_same_result_gives_the_same_bytes(result, path, tmp_path):
    # more than once: the layout's solver differs in the last bit only now and then
    for _ in range(5):
        assert write([result], tmp_path, "A run").read_bytes() == path.read_bytes()


def test_numbers_as_text(result):
    assert table.amount(-0.04, 1) == "0.0"
    assert table.amount(-1234.56, 1) == f"{table.MINUS}1{table.THIN}234.6"
    assert table.amount(float("nan"), 1) == table.NONE
    shown = every(result)
    assert sum(count for _, count in table.groups(shown)) == len(shown)


def test_drawing_leaves_the_global_style_alone():
    before = dict(mpl.rcParams)
    address = figures.svg(lambda figure: figure.subplots(), 1.0)
    assert address.startswith("data:image/svg+xml;base64,")
    assert dict(mpl.rcParams) == before


def test_summary_lines_put_the_best_first_and_show_the_range_of_ranks():
    told = {"blocks": 6, "low": 0.0, "high": 9.0, "mean": 4.0, "cvar": -1.0, "worst": -2.0}
    worse, better = (
        Summary(policy=p, iqm=iqm, worst_scenario="s", rank_low=1, rank_high=r, group=1, **told)
        for p, iqm, r in (("a", 4.0, 2), ("b", 5.0, 1))
    )
    first, second = table.summary_lines([worse, better])
    assert (first.policy, second.policy) == ("b", "a")
    assert len(first.cells) == len(table.SUMMARY_COLUMNS)
    assert first.cells[-2:] == ("1", "1")
    assert second.cells[-3:] == (f"{table.MINUS}2.0", f"1{table.NONE}2", "1")
