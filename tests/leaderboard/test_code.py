"""Packages of code: our own equal their twins, play again alike, and hear nothing of the future."""

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("cvxpy")
pytest.importorskip("highspy")
pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
pytest.importorskip("safetensors")

from leaderboard.checking.replay import replay, reproduced
from leaderboard.gate.check import check
from leaderboard.package.package import from_bytes, pack_folder
from leaderboard.package.template import write_template
from leaderboard.playing.candidate import of_baseline, of_package
from leaderboard.playing.code import Code, seated
from leaderboard.playing.evaluate import evaluate
from leaderboard.sandbox.code import bubblewrap as bubblewrap_module
from leaderboard.sandbox.code.held import BUBBLEWRAP, NAMESPACES, NEEDED, is_enough
from leaderboard.sandbox.code.wheels import OFFERED
from leaderboard.season.season import Limits
from leaderboard.tracks import board_card_of
from p2p_market.errors import P2PMarketError, PackageError
from p2p_market.registry import load_scenario
from p2p_market.tracks import track_of
from tests.leaderboard.bubble import needs_bubblewrap
from tests.leaderboard.packages import DRAFT, package
from tests.leaderboard.seasons import score, without_times

pytestmark = pytest.mark.xdist_group("seasons")

OWN = Path(__file__).resolve().parents[2] / "leaderboard" / "packages"
PUBLISHED = OWN.parents[1] / "baselines" / "published"


@pytest.fixture(scope="module")
def bubblewrap():
    needs_bubblewrap()


def code(source, track="community", **files):
    """A package of code as bytes."""
    policy = f'{{ kind = "python", track = "{track}" }}'
    draft = DRAFT.replace('{ kind = "rules" }', policy)
    return package({"policy.py": source.encode(), **files}, draft)


def network(data):
    """The same network as a package of its own kind."""
    return package({"policy.onnx": data}, DRAFT.replace('"rules"', '"onnx"'))


def played(candidate, season, folder):
    record = evaluate(candidate, season, folder)
    assert replay(folder / f"{record.entry.name}-{record.entry.version}", season) == []
    return record


def alike(one, other):
    """Whether every episode of two records went the same way."""
    pairs = list(zip(one.episodes, other.episodes, strict=True))
    pairs += zip(one.focal, other.focal, strict=False)
    return [first.chain == second.chain for first, second in pairs] == [True] * len(pairs)


def test_a_plan_as_code_is_the_baseline_and_plays_again_alike(tiny, tmp_path, bubblewrap):
    candidate = of_package(pack_folder(OWN / "mpc_alone"), tiny)
    record = played(candidate, tiny, tmp_path / "one")
    assert is_enough(record.environment.sandbox)
    assert [one.faults for one in record.episodes] == [{}, {}]
    assert alike(record, played(of_baseline("mpc-alone-warm"), tiny, tmp_path / "twin"))
    again = played(candidate, tiny, tmp_path / "two")
    assert without_times(again) == without_times(record)
    assert reproduced(record, again) == []
    assert record.environment.versions["highspy"] == again.environment.versions["highspy"]


def test_a_published_network_as_code_is_the_network(tiny, tmp_path, bubblewrap):
    data = (OWN / "network" / "policy.onnx").read_bytes()
    assert data == (PUBLISHED / "community-16-v0" / "ippo" / "seed-0.onnx").read_bytes()
    record = played(of_package(pack_folder(OWN / "network"), tiny), tiny, tmp_path / "one")
    twin = played(of_package(network(data), tiny), tiny, tmp_path / "twin")
    assert len(record.focal) == len(twin.focal) == 1
    assert alike(record, twin)


def test_the_short_planner_of_the_page_is_an_entry_that_pays(tiny, tmp_path, bubblewrap):
    record = played(of_package(pack_folder(OWN / "short_mpc"), tiny), tiny, tmp_path)
    assert record.entry.division == "policy"
    assert [one.faults for one in record.episodes] == [{}, {}]
    assert is_enough(record.environment.sandbox)
    assert score(record) > 50.0


@pytest.mark.parametrize("track", ["community", "battery"])
def test_the_template_passes_the_gate(track, tmp_path, bubblewrap):
    write_template(tmp_path / "mine", "python", track)
    assert check(from_bytes(pack_folder(tmp_path / "mine"))) == {}


PLAIN = """
import numpy as np
import onnxruntime


def make(facts):
    return Plain(facts)


class Plain:
    def __init__(self, facts):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        given = ("network.onnx", options, ["CPUExecutionProvider"])
        self.choices, self.session = facts["choices"], onnxruntime.InferenceSession(*given)
        assert 0.0 < facts["lowest_mwh"] < facts["highest_mwh"] <= facts["capacity_mwh"]

    def start(self, seed):
        return np.zeros((1, self.session.get_inputs()[1].shape[1]), dtype=np.float32)

    def act(self, observation, published, state):
        asked = {"rows": observation[None], "state": state}
        told = self.session.run(["output", "next_state"], asked)
        output, later = [(np.round(one * 4096.0) / 4096.0).astype(np.float32) for one in told]
        output, action, first = output[0], [], 0
        for choices in self.choices:
            own = output[first : first + choices].astype(np.float64)
            allowed = published["allowed"][first : first + choices]
            action.append(np.where(allowed, own, -np.inf).argmax())
            first += choices
        assert len(published["day_ahead_eur_per_mwh"]) % 24 == 0
        return np.array(action, dtype=float), later
"""


def test_a_battery_has_its_figures_its_masks_and_published_prices(bubblewrap):
    """Half a day of a published network, beside the same network in this process."""
    from baselines.learners.onnx_policy.policy import from_file

    path = PUBLISHED / "battery-146-v0" / "ppo" / "seed-0.onnx"
    files = {"network.onnx": path.read_bytes()}
    mine = from_bytes(code(PLAIN, "battery", **files))
    scenario, track, episode = drawn("battery-146-v0")
    twin = from_file(scenario, str(path))
    state, memory = track.start(scenario, episode), twin.start([0])
    (role,) = track.roles(scenario)
    with seated(Code(mine, role.name), scenario, episode, Limits(), (0,)) as policy:
        for _ in range(15):
            seen = track.observe(scenario, episode, state)[role.name]
            action, memory = twin.act(seen, memory)
            assert policy.act(seen, None)[0].tolist() == action.tolist()
            state, _ = track.step(scenario, episode, state, {role.name: action}, True)


def drawn(name, seed=0):
    scenario = load_scenario(name)
    track = track_of(scenario)
    return scenario, track, track.draw(scenario, track.keys(scenario, "train", seed)[0][0])


@pytest.mark.attack("D29")
@pytest.mark.parametrize("name", ["classic-v0", "community-16-v0", "battery-146-v0"])
def test_nothing_of_the_draw_or_of_later_days_is_told(name):
    scenario, track, episode = drawn(name)
    _, _, other = drawn(name, seed=4)
    assert episode.keys != other.keys
    (role,), card = track.roles(scenario), board_card_of(scenario)
    for seat in range(len(role.agents)):
        facts = [card.facts(scenario, one, role.name, seat) for one in (episode, other)]
        assert json.dumps(facts[0]) == json.dumps(facts[1])  # what is drawn is not in them
    lengths = [
        [len(one) for one in card.published(scenario, episode, role.name, 0, step).values()]
        for step in range(scenario.steps)
    ]
    per_day = round(24 / scenario.dt_h)
    before = 2 * per_day if name.startswith("battery") else 0
    for step, (length,) in enumerate(lengths):
        days = (length - before) / per_day
        today = step // per_day + 1
        assert today - 1.0 / 24.0 <= days <= today + 1.0 + 1.0 / 24.0
        assert days <= today + 1.0 / 24.0 or step % per_day >= 10 * per_day // 24


@pytest.mark.parametrize("name", ["classic-v0", "battery-146-v0"])
def test_every_fact_is_in_the_documents(name):
    scenario, track, episode = drawn(name)
    (role,), card = track.roles(scenario), board_card_of(scenario)
    facts = {**card.facts(scenario, episode, role.name, 0)}
    known = [*facts, *card.published(scenario, episode, role.name, 0, 0)]
    known += [name for device in facts.get("devices", []) for name in device]
    page = (OWN.parents[1] / "docs" / "submit-code.md").read_text("utf-8")
    assert [one for one in known if f"`{one}`" not in page] == []
    assert [one for one in (*OFFERED, "seed", "allowed") if f"`{one}`" not in page] == []


def test_learnt_prices_are_told_to_who_asks_alone():
    scenario, _, episode = drawn("classic-v0")
    learnt = board_card_of(scenario).learnt
    assert learnt is not None
    (prices,) = learnt(scenario, episode).values()
    assert len(prices) == scenario.steps
    asking = package(draft=DRAFT.replace('"rules"', '"rules", learnt = true'))
    with pytest.raises(PackageError, match="learnt is for kind 'python'"):
        from_bytes(asking)


def test_without_bubblewrap_nothing_is_started(monkeypatch):
    monkeypatch.setattr(bubblewrap_module.shutil, "which", lambda name: None)
    with pytest.raises(P2PMarketError, match="apt-get install bubblewrap"):
        check(from_bytes(code("x = 1")))


CLOCK = """
import time
import numpy as np
class Clock:
    def act(self, observation, published, state):
        return np.full(len(self.rest), time.time() % 1.0), state
def make(facts):
    policy = Clock()
    policy.rest = facts["rest"]
    return policy
"""


@pytest.mark.attack("D27")
def test_who_does_not_repeat_itself_alone_is_not_held_by_enough(tiny, tmp_path, bubblewrap):
    record = evaluate(of_package(code(CLOCK), tiny), tiny, tmp_path)
    assert BUBBLEWRAP in record.environment.sandbox
    assert not is_enough(record.environment.sandbox)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("return None", "cannot unpack non-iterable NoneType"),
        ("return np.zeros(1), state", r"an action of shape \(1,\), not \(3,\)"),
        ("raise ValueError('no plan')", "ValueError: no plan"),
        ("import p2p_market", "No module named 'p2p_market'"),
        ("return np.full(3, np.nan), state", "NaN or infinity"),
    ],
)
def test_the_gate_says_what_is_wrong(line, said, bubblewrap):
    source = (
        "import numpy as np\nclass Mine:\n    def act(self, observation, published, state):\n"
        f"        {line}\ndef make(facts):\n    return Mine()\n"
    )
    with pytest.raises(PackageError, match=said):
        check(from_bytes(code(source)))


FULL = """
import numpy as np
class Full:
    def __init__(self, facts):
        self.most = [one["power_max_kw"] for one in facts["devices"]]
    def act(self, observation, published, state):
        return np.array([*self.most, 0.0, 0.0]), state
def make(facts):
    return Full(facts)
"""


def test_the_gate_asks_a_seat_of_each_form(bubblewrap):
    """In the default scenario the first member has a battery and another one has none."""
    with pytest.raises(PackageError, match=r"(?s)as prosumer_\d of .* an action of shape \(2,\)"):
        check(from_bytes(code(FULL)))


LATE = """
class Late:
    def act(self, observation, published, state):
        if state == 3:
            raise ValueError("on the fourth step")
        return self.rest, state + 1
    def start(self, seed):
        return 0
def make(facts):
    policy = Late()
    policy.rest = facts["rest"]
    return policy
"""


def test_an_author_reads_what_broke(tiny, tmp_path, bubblewrap):
    heard = []
    record = evaluate(of_package(code(LATE), tiny), tiny, tmp_path, hear=heard.append)
    assert [one.failed for one in record.episodes] == [True, True]
    assert len(heard) == 3
    assert all("ValueError: on the fourth step" in one.splitlines()[-1] for one in heard)
    assert heard[0].startswith("policy.py.classic-v0.0: Traceback")


def test_a_record_that_lacks_a_lock_is_not_ranked():
    from leaderboard.ranking.ranking import _loose
    from tests.leaderboard.records import record

    whole = ", ".join([BUBBLEWRAP, *NAMESPACES, *sorted(NEEDED - {*NAMESPACES})])
    assert _loose(record([], sandbox=whole, kind="python")) == ""
    for level in (whole.replace(", seccomp", ""), "limits, namespaces, empty root", "", "own code"):
        for told in (level, f"{level}; {whole}"):
            said = _loose(record([], sandbox=told, kind="python"))
            assert said == "its code was held by less than it must be"


def test_numbers_of_random_draws_know_nothing_of_the_episode():
    from leaderboard.playing.code import _noise

    mine = Code(from_bytes(code("x = 1")), "prosumer")
    assert _noise(mine, 0) == _noise(mine, 0) != _noise(mine, 1)
    assert np.frombuffer(_noise(mine, 0), dtype=np.uint8).any()
