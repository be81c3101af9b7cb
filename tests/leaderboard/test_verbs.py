"""`p2p-market leaderboard`: from template to a package that passes, and refusals by exit code."""

import subprocess
import sys
import zipfile

import pytest
from typer.testing import CliRunner

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from leaderboard.package.package import read
from p2p_market.commands import leaderboard as submissions
from p2p_market.commands.app import app


def run(*arguments):
    done = CliRunner().invoke(app, ["leaderboard", *map(str, arguments)])
    return done.exit_code, done.output


@pytest.mark.parametrize(("kind", "file"), [("onnx", "policy.onnx"), ("rules", "policy.toml")])
def test_the_template_passes(kind, file, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, said = run("init", "mine", "--kind", kind)
    assert (code, sorted(path.name for path in (tmp_path / "mine").iterdir())) == (
        0, [file, "submission.toml"],
    )  # fmt: skip
    assert run("pack", "mine")[0] == 0
    first = (tmp_path / "mine.zip").read_bytes()
    assert run("pack", "mine", "-o", "again.zip")[0] == 0
    assert (tmp_path / "again.zip").read_bytes() == first
    code, said = run("check", "mine.zip")
    assert code == 0, said
    assert f"identity {read(tmp_path / 'mine.zip').identity}" in said
    assert "binding-feeder-v0, classic-v0" in said
    assert ("does not play: policy.onnx: " in said) == (kind == "onnx")
    assert ("outage-v0 is no board of any season" in said) == (kind == "onnx")
    last = said.rstrip().splitlines()[-1]
    assert last.startswith("accepted. Next: p2p-market leaderboard run ")
    assert last.endswith(".zip (no season is open)")


def test_packed_by_another_tool_it_is_the_same_submission(tmp_path):
    run("init", tmp_path / "mine", "--kind", "rules")
    run("pack", tmp_path / "mine")
    identity = read(tmp_path / "mine.zip").identity
    with zipfile.ZipFile(tmp_path / "mine.zip") as file:
        members = [(name, file.read(name)) for name in file.namelist()]
    with zipfile.ZipFile(tmp_path / "other.zip", "w", zipfile.ZIP_DEFLATED) as file:
        for name, contents in reversed(members):
            file.writestr(name, contents)
    assert (tmp_path / "other.zip").read_bytes() != (tmp_path / "mine.zip").read_bytes()
    code, said = run("check", tmp_path / "other.zip")
    assert (code, f"identity {identity}" in said) == (0, True)


def test_refusals(tmp_path):
    run("init", tmp_path / "mine")
    for arguments, expected, says in (
        (("init", tmp_path / "mine"), 2, "error: {}: exists already; name a new folder"),
        (("init", tmp_path / "other", "--kind", "perl"), 2, "error: unknown kind"),
        (("rank", "nowhere"), 2, "error: nowhere: there is no such season"),
        (("export", "season-0", "--format", "x"), 2, "error: unknown format"),
        (("check", tmp_path / "mine" / "submission.toml"), 1, "refused: the file does not end"),
    ):
        code, said = run(*arguments)
        assert code == expected
        assert said.startswith(says.format(tmp_path / "mine"))
    assert run("check", tmp_path / "nowhere.zip")[0] == 2
    (tmp_path / "mine" / "policy.onnx").write_bytes(b"\x80\x04K\x01.")
    assert run("pack", tmp_path / "mine")[0] == 0
    code, said = run("check", tmp_path / "mine.zip")
    assert (code, "policy.onnx: is not an ONNX model" in said) == (1, True)
    (tmp_path / "mine" / "policy.onnx").unlink()
    assert run("pack", tmp_path / "mine")[0] == 1


def test_a_network_that_fits_no_scenario_is_refused(tmp_path):
    import onnx

    run("init", tmp_path / "mine")
    path = tmp_path / "mine" / "policy.onnx"
    model = onnx.load(path)
    model.metadata_props[0].value = model.metadata_props[0].value.replace('"load"', '"burden"')
    onnx.save(model, path)
    run("pack", tmp_path / "mine")
    code, said = run("check", tmp_path / "mine.zip")
    assert code == 1
    assert "was made for other observations" in said
    assert "burden (not here), load (not in the network); train it" in said


def test_a_network_for_the_observation_is_told_what_a_row_is(tmp_path):
    import onnx

    run("init", tmp_path / "mine")
    path = tmp_path / "mine" / "policy.onnx"
    model = onnx.load(path)
    model.graph.input[0].type.tensor_type.shape.dim[1].dim_value = 43
    onnx.save(model, path)
    run("pack", tmp_path / "mine")
    code, said = run("check", tmp_path / "mine.zip")
    assert code == 1
    assert "rows has 43 columns and the metadata's 'columns' name 48" in said
    assert "a row is not what the environment shows, docs/leaderboard.md" in said


def test_without_what_it_needs_it_says_so(monkeypatch):
    monkeypatch.setattr(submissions, "MODULE", "leaderboard.nowhere")
    code, said = run("check", "x.zip")
    assert (code, "it needs pip install -e '.[leaderboard]'" in said) == (
        2, True,
    )  # fmt: skip


def test_the_command_line_loads_nothing_of_it_before_it_is_asked():
    source = "import sys, p2p_market.commands.app; print({'leaderboard', 'onnx'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True)
    assert done.stdout.strip() == "set()", done.stderr
