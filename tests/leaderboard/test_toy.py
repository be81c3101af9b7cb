"""A track with two roles, one with choices, in a season, a package, a trace and on the pages."""

import io
import json
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("cryptography")
pytest.importorskip("jinja2")
pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
pytest.importorskip("safetensors")
pytest.importorskip("scipy")

from onnx import TensorProto, helper, numpy_helper

from baselines.learners.plain import Plain
from leaderboard.checking.replay import replay
from leaderboard.package import archive
from leaderboard.package.manifest import NAME
from leaderboard.package.package import pack_folder
from leaderboard.package.template import write_template
from leaderboard.playing.candidate import of_baseline, of_package
from leaderboard.playing.evaluate import evaluate
from leaderboard.playing.guard import Guarded
from leaderboard.playing.opening import open_season
from leaderboard.ranking.export import FORMATS
from leaderboard.ranking.ranking import board_of
from leaderboard.record import entries
from leaderboard.record.entries import TRACES
from leaderboard.record.traces import read
from leaderboard.sandbox.process import FaultError
from leaderboard.season import boards
from leaderboard.season.season import SECRET
from leaderboard.site.build import files
from leaderboard.site.gather import gather
from leaderboard.tracks.card import BoardCard
from leaderboard.verbs.tables import rank
from p2p_market.errors import PackageError, PolicyError, RecordError, UsageError
from p2p_market.registry import load_scenario
from p2p_market.tracks import track_of
from tests.leaderboard import packages
from tests.toy import conftest as toy
from tests.toy import track

installed = toy.installed
pytestmark = pytest.mark.xdist_group("toy")

HEAD = 'id = "toy"\ntitle = "A toy"\nopened = 2026-01-01\n'
PLAN = HEAD + 'boards = [{ scenario = "toy-v0", draws = 2 }]\n'
NETWORKS = '{ plant = ["plant.onnx"], storage = ["storage.onnx"] }'


def opened(folder, plan=PLAN):
    (folder / "plan.toml").write_text(plan)
    (folder / "secret").write_text(bytes(range(32)).hex())
    return open_season(folder / "plan.toml", folder / "toy", folder / "secret")


@pytest.fixture(scope="module")
def season(installed, tmp_path_factory):
    return opened(tmp_path_factory.mktemp("toy"))


def network(inputs, outputs, columns, weight=0.5):
    """The tanh of a weighted sum of the row."""
    nodes = [
        helper.make_node("MatMul", ["rows", "weight"], ["sum"]),
        helper.make_node("Tanh", ["sum"], ["output"]),
    ]
    taken, given = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["row", size])
        for name, size in (("rows", inputs), ("output", outputs))
    )
    values = np.full((inputs, outputs), weight, dtype=np.float32)
    graph = helper.make_graph(
        nodes, "policy", [taken], [given], [numpy_helper.from_array(values, "weight")]
    )
    opset = helper.make_opsetid("", 17)
    model = helper.make_model(graph, opset_imports=[opset], ir_version=8)
    helper.set_model_props(model, {"columns": json.dumps(columns), "decision": "plain"})
    return model.SerializeToString()


def networks():
    return {
        "storage.onnx": network(4, 2, ["price", "level", "reserve", "to_gate"]),
        "plant.onnx": network(2, 3, ["price", "choice"]),
    }


def package(own, kind="onnx", roles=NETWORKS):
    policy = f'{{ kind = "{kind}", track = "toy", roles = {roles} }}'
    return packages.package(own, packages.DRAFT.replace('{ kind = "rules" }', policy))


def played(candidate, season, folder):
    record = evaluate(candidate, season, folder)
    own = folder / f"{record.entry.name}-{record.entry.version}"
    assert replay(own, season) == []
    return record, own


def test_a_package_says_which_network_plays_which_role(season, tmp_path):
    record, own = played(of_package(package(networks()), season), season, tmp_path)
    assert [one.faults for one in record.episodes] == [{}, {}]
    assert {one.file for one in record.episodes} == {"plant.onnx"}
    assert "namespaces" in record.environment.sandbox or "limits" in record.environment.sandbox
    trace, _ = read(own / TRACES / record.episodes[0].trace)
    assert {name: array.shape for name, array in trace.actions.items()} == {
        "actions.storage": (48, 2, 2), "actions.plant": (48, 1, 1),
    }  # fmt: skip
    assert set(np.unique(trace.actions["actions.plant"])) <= {0, 1, 2}
    assert np.abs(trace.actions["actions.storage"]).max() > 2


def test_a_role_that_is_left_out_plays_its_rule(season, tmp_path):
    rules = {"storage.toml": b'rule = "thrifty"\n'}
    data = package(rules, "rules", '{ storage = ["storage.toml"] }')
    record, own = played(of_package(data, season), season, tmp_path)
    trace, _ = read(own / TRACES / record.episodes[0].trace)
    assert np.all(trace.actions["actions.plant"] == 0)
    assert record.episodes[0].cost_eur < record.episodes[0].rule_eur


@pytest.mark.parametrize("kind", ["onnx", "rules"])
def test_the_template_names_track_and_roles(season, tmp_path, monkeypatch, kind):
    with pytest.raises(UsageError, match="names no scenario that a template"):
        write_template(tmp_path / "none", kind, "toy")
    monkeypatch.setattr(track, "CARD", replace(track.CARD, default="toy-v0"))
    write_template(tmp_path / "mine", kind, "toy")
    candidate = of_package(pack_folder(tmp_path / "mine"), season)
    assert candidate.track == "toy"
    cast = candidate.cast(candidate.files[0], load_scenario("toy-v0"))
    assert set(cast) == {"storage", "plant"}


def test_a_reference_may_be_named_role_by_role(season, tmp_path):
    record, _ = played(of_baseline("storage=thrifty,plant=idle", "toy"), season, tmp_path)
    assert record.entry.name == "storage-thrifty-plant-idle"
    assert {one.file for one in record.episodes} == {"storage_thrifty_plant_idle"}
    data = package(
        {"storage.toml": b'rule = "thrifty"\n'}, "rules", '{ storage = ["storage.toml"] }'
    )
    same, _ = played(of_package(data, season), season, tmp_path)
    assert [one.chain for one in same.episodes] == [one.chain for one in record.episodes]


def refused(season, data, error, match):
    with pytest.raises(error, match=match):
        of_package(data, season)


def test_what_does_not_fit_is_named(season):
    own = networks()
    refused(season, package(own, roles='{ plant = ["plant.onnx"] }'), PackageError, "every file")
    refused(season, package(own, roles='{ plant = ["plant.onnx", "storage.onnx"] }'),
            PackageError, "takes one file, not 2")  # fmt: skip
    refused(season, package(own, roles='{ plant = ["plant.onnx"], storage = [] }'),
            PackageError, "the same number of files")  # fmt: skip
    refused(season, package({"plant.onnx": own["plant.onnx"]}, roles='{ wind = ["plant.onnx"] }'),
            PolicyError, "'wind' is no role of track 'toy'; it has storage, plant")  # fmt: skip
    refused(season, packages.package(), PolicyError, "is of track 'community'; season toy")
    text = packages.DRAFT.replace('"rules"', '"onnx", track = "toy"')
    refused(season, packages.package({"plant.onnx": own["plant.onnx"]}, text), PolicyError,
            r"has the roles storage, plant; say in \[policy.roles\]")  # fmt: skip
    text = packages.DRAFT.replace('"rules"', '"rules", track = "nowhere"')
    refused(season, packages.package(draft=text), PackageError, "unknown track 'nowhere'")
    data = package({"a.toml": b'rule = "best"\n'}, "rules", '{ plant = ["a.toml"] }')
    refused(season, data, PackageError, "no rule 'best'; known are: idle, thrifty, random")
    swapped = {"storage.onnx": own["plant.onnx"], "plant.onnx": own["storage.onnx"]}
    refused(season, package(swapped), PolicyError, "was made for other observations")


@pytest.fixture(scope="module")
def board(season):
    """A season with all that stands on a board; the secret is known."""
    where = season.folder / entries.FOLDER
    for name in ("idle", "thrifty", "optimum", "constant", "random-actions", "other-optimum"):
        played(of_baseline(name, season.track), season, where)
    played(of_package(package(networks()), season), season, where)
    (season.folder / SECRET).write_text(season.known_secret().hex() + "\n")
    return board_of(season.id, entries.entered(season))


def test_both_ends_and_the_tripwires(board):
    found = {row.name.partition(" ")[0]: row.summary.iqm for row in board.rows}
    assert board.track == "toy"
    assert found["idle"] == pytest.approx(0.0, abs=1e-6)
    assert found["optimum"] == pytest.approx(100.0, abs=0.1)
    assert 0.0 < found["thrifty"] < 100.0
    assert found["constant"] < found["thrifty"]


def test_tables_show_the_metrics_of_the_track(board, season):
    said = "\n".join(rank(season.folder))
    assert "produced kWh" in said
    assert "CO2" not in said
    assert "produced" in FORMATS["csv"](board).splitlines()[0]
    tasks = json.load(io.StringIO(FORMATS["marl-eval"](board)))["p2p_market/toy"]
    assert "produced" in tasks["toy-v0"]["optimum 1.0.0"]["seed_1"]["absolute_metrics"]


def test_the_pages_need_no_picture(board, season):
    pages = {name: data.decode() for name, data in files(gather(season)).items()
             if name.endswith(".html")}  # fmt: skip
    assert "0 is idle, 100" in pages["index.html"]
    assert "idle = 0" in pages["index.html"]
    assert "produced" in pages["index.html"]
    page = pages["entries/thrifty-1.0.0.html"]
    assert "EUR more than the optimum.</p>" in page
    assert '<svg class="week"' not in page
    assert 'id="week"' not in page


def test_a_clock_and_a_seat_among_bots_are_refused_where_there_is_none(season, tmp_path):
    with pytest.raises(PolicyError, match=r"say which of storage=\.\.\., plant="):
        evaluate(of_baseline("clock-only", "toy"), season, tmp_path)
    focal = PLAN + 'focal = { scenario = "toy-v0", draws = 1, seats = 1 }\n'
    with pytest.raises(RecordError, match="track 'toy' has no population of its own; name one in"):
        opened(tmp_path, focal)


def test_a_seat_among_bots_needs_a_population(tmp_path, monkeypatch):
    monkeypatch.setattr(boards, "board_card", lambda name: BoardCard())
    focal = 'focal = { scenario = "classic-v0", draws = 1, days = 1, seats = 1 }\n'
    plan = PLAN.replace("toy-v0", "classic-v0")
    with pytest.raises(RecordError, match="has no population of its own; name one in"):
        opened(tmp_path, plan + focal)


def test_scores_of_two_tracks_are_not_added_up(tmp_path):
    both = ('boards = [{ scenario = "toy-v0", draws = 1 }, '
            '{ scenario = "classic-v0", draws = 1, days = 1 }]\n')  # fmt: skip
    with pytest.raises(RecordError, match="are of the tracks toy, community; open a season for"):
        opened(tmp_path, HEAD + both)


def test_of_choices_the_largest_that_is_allowed_is_taken():
    scenario = load_scenario("toy-v0")
    track = track_of(scenario)
    _, plant = track.roles(scenario)
    decision = Plain(scenario, plant)
    assert (decision.names, decision.width) == (("price", "choice"), 3)
    seen = np.array([[[0.3, 0.0]], [[0.3, 1.0]]], dtype=np.float32)
    output = np.array([[[0.1, 0.2, 0.9]], [[0.9, 0.9, -1.0]]])
    assert decision.actions(seen, output).tolist() == [[[1.0]], [[0.0]]]


class Faulty:
    """Fails in every second step."""

    def start(self, seeds):
        return 0

    def act(self, observation, memory):
        raise FaultError("late")


class Sound(Faulty):
    """Never fails."""

    def act(self, observation, memory):
        return np.zeros((1, 1, 1)), memory


def test_a_step_is_faulty_once_whatever_roles_fail():
    faults = []
    default = np.zeros((1, 1))
    cast = [Guarded(policy, default, 9, faults, place == 0)
            for place, policy in enumerate((Sound(), Faulty(), Faulty()))]  # fmt: skip
    for _ in range(3):
        for guarded in cast:
            guarded.act(np.zeros((1, 1, 1), dtype=np.float32), 0)
    assert len(faults) == 3
    assert all(faults)


def test_the_archive_has_no_other_files():
    assert set(archive.unpack(package(networks()))) == {NAME, "storage.onnx", "plant.onnx"}
