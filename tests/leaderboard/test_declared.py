"""What an author declares of a training: in package, record and page, and in no score."""

import csv
import tomllib
import zipfile

import pytest

pytest.importorskip("cryptography")
pytest.importorskip("jinja2")
pytest.importorskip("onnxruntime")
pytest.importorskip("safetensors")

from baselines.learners.training.budget import toml_lines
from leaderboard.package.curve import BYTES, POINTS, read_curve
from leaderboard.package.manifest import Training
from leaderboard.package.package import from_bytes
from leaderboard.playing.candidate import of_package
from leaderboard.playing.evaluate import evaluate
from leaderboard.record.record import canonical, parse
from leaderboard.season import season as seasons
from leaderboard.site.build import files
from leaderboard.site.gather import gather
from leaderboard.verbs.trained import _declared
from p2p_market.errors import PackageError, RecordError
from tests.leaderboard.packages import DRAFT, RULE, package
from tests.leaderboard.test_verbs import run

pytestmark = pytest.mark.xdist_group("seasons")

CURVE = b"seed,agent_steps,validation_score\n0,1000,-3.5\n0,2000,41.25\n1,1000,7\n"
TOLD = DRAFT.replace(
    'summary = "None."',
    'summary = "Tuned.", processor_hours = 2.5, data = ["classic-v0: train"], curve = "how.csv"',
)
FILES = {"policy.toml": RULE, "how.csv": CURVE}


def test_the_curve_travels_and_is_not_played():
    found = from_bytes(package(FILES, TOLD))
    assert found.files == {"policy.toml": RULE}
    assert found.curve.lines == {0: ((1000, -3.5), (2000, 41.25)), 1: ((1000, 7.0),)}
    other = {**FILES, "how.csv": CURVE.replace(b"-3.5", b"-3.6")}
    assert from_bytes(package(other, TOLD)).identity != found.identity


def test_what_older_packages_do_not_say_stands_in_no_record():
    told = Training(summary="None.").model_dump(mode="json")
    assert list(told) == ["summary", "seeds", "agent_steps", "hours", "hardware", "code"]
    assert "curve" in Training(summary="None.", curve="a.csv").model_dump(mode="json")


@pytest.mark.parametrize(
    ("files", "draft", "says"),
    [
        ({"policy.toml": RULE}, TOLD, r"training.curve names 'how.csv', which is not there"),
        (FILES, DRAFT, r"'how.csv': kind 'rules' takes files that end in '.toml'"),
        (FILES, TOLD.replace("how.csv", "../how.csv"), "curve.*plain name of a file"),
        ({"how.csv": CURVE}, TOLD, "takes one file, not 0"),
        ({**FILES, "how.csv": b"x"}, TOLD, "how.csv: line 1 is 'x'; write 'agent_steps,MEASURE'"),
    ],
    ids=["lost", "undeclared", "elsewhere", "alone", "no curve"],
)
def test_a_package_whose_curve_does_not_fit_is_refused(files, draft, says):
    with pytest.raises(PackageError, match=says):
        from_bytes(package(files, draft))


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ("", "0 points"),
        ("1,2\n" * (POINTS + 1), "2001 points"),
        ("1," * BYTES, "more than"),
        ("1,2\n1,3", "line 3: agent_steps must rise"),
        ("1", "line 2: '1' is not 2 numbers"),
        ("1,nan", "is not 2 numbers"),
        ("1,1e999", "is not 2 numbers"),
        ("-1,2", "is not 2 numbers"),
        ("9" * 16 + ",2", "is not 2 numbers"),
        ("1,1_0", "is not 2 numbers"),
        ("=1+1,2", "is not 2 numbers"),
        ("1,2,3", "is not 2 numbers"),
        ("1,<b>", "is not 2 numbers"),
        ("1,\u0663", "is not plain text"),
    ],
    ids=lambda text: text[:12],
)
def test_a_curve_is_numbers_alone(rows, says):
    data = f"agent_steps,validation_score\n{rows}".encode()
    with pytest.raises(PackageError, match=says):
        read_curve("how.csv", data)


def test_record_and_page_say_what_was_declared(tiny, tmp_path):
    record = evaluate(of_package(package(FILES, TOLD), tiny), tiny, tmp_path)
    assert parse(canonical(record) + b"\n").entry.training.processor_hours == 2.5
    known = seasons.read(tiny.folder)
    page = files(gather(known, tmp_path))["entries/my-agent-0.1.0.html"].decode()
    assert "2 trainings, 3 points: score on validation weeks; the best is 41.2" in page
    assert page.count("Declared by the author, not checked.") == 2
    assert page.count('<path class="curve"') + page.count('<circle class="dot" cx="') >= 2
    for told in ("classic-v0: train", "processor hours", "2.5"):
        assert told in page
    other = package({**FILES, "how.csv": CURVE.replace(b"41.25", b"99")}, TOLD)
    (tmp_path / "my-agent-0.1.0" / "package.zip").write_bytes(other)
    with pytest.raises(RecordError, match="is not the one that the record names"):
        gather(known, tmp_path)


def test_a_training_tells_by_itself_and_the_package_takes_it_along(tmp_path):
    pytest.importorskip("torch")
    train = pytest.importorskip("baselines.learners.ppo.train").run
    given = {
        "scenario": "classic-v0", "communities": 1, "agent_steps": 3 * 6 * 168, "hidden": 8,
        "minibatch": 504, "imitate": "", "validate_every": 1,
    }  # fmt: skip

    def breaks(done, total, line):
        if line.startswith("saves"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(given, tmp_path / "run", tell=breaks)
    told = tomllib.loads((tmp_path / "run" / "training.toml").read_text("utf-8"))
    earlier = {**told, "processor_hours": 5.0}
    (tmp_path / "run" / "training.toml").write_text(toml_lines(earlier), encoding="utf-8")
    policy = train(given, tmp_path / "run")
    later = tomllib.loads((tmp_path / "run" / "training.toml").read_text("utf-8"))
    assert 0.0 < told["processor_hours"] < 0.1
    assert 5.0 < later["processor_hours"] < 5.1  # of both calls
    assert (later["agent_steps"], later["seeds"]) == (3024, [0])
    with (tmp_path / "run" / "progress.csv").open(encoding="utf-8") as log:
        rows = [(row["agent_steps"], row["validation_saving_eur"]) for row in csv.DictReader(log)]
    with (tmp_path / "run" / "curve.csv").open(encoding="utf-8") as curve:
        assert [tuple(line) for line in csv.reader(curve)][1:] == rows
    code, said = run("init", tmp_path / "mine", "--policy", policy, "--scenario", "classic-v0")
    assert (code, "training.toml of the training is taken along" in said) == (0, True), said
    assert run("pack", tmp_path / "mine")[0] == 0
    found = from_bytes((tmp_path / "mine.zip").read_bytes())
    assert found.manifest.training.data == [
        "classic-v0: train", "classic-v0: validation, to choose the policy",
    ]  # fmt: skip
    assert found.manifest.training.processor_hours == later["processor_hours"]
    assert len(found.curve.lines[0]) == len(rows) == 2
    assert list(found.files) == ["policy.onnx"]


def test_a_zip_of_stable_baselines_tells_seed_and_steps(tmp_path):
    path = tmp_path / "model.zip"
    with zipfile.ZipFile(path, "w") as model:
        model.writestr("data", '{"seed": 3, "num_timesteps": 2016, "policy_class": {":type:": ""}}')
    told, beside = _declared(path)
    assert told == {"summary": "Exported from model.zip.", "seeds": [3], "agent_steps": 2016}
    assert beside == {}
    (tmp_path / "training.toml").write_text('summary = "Mine."\ncurve = "lost.csv"\n')
    with pytest.raises(FileNotFoundError, match=r"lost\.csv"):
        _declared(path)
