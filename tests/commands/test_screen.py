"""Text is shown as it is written, and numbers are whole at any width."""

import io
from types import SimpleNamespace

import numpy as np
import pytest
from rich.cells import cell_len
from typer.testing import CliRunner

from p2p_market.commands import app as cli
from p2p_market.commands import tables
from p2p_market.commands.app import app
from p2p_market.commands.console import console
from p2p_market.commands.screen import Figures, Outlet, Screen, visible
from p2p_market.evaluation.players.answers import SOUND
from p2p_market.evaluation.players.conduct import Conduct
from p2p_market.evaluation.statistics.scores import Score


def shown(what, width=80):
    """What a terminal of this width would show."""
    screen = Screen()
    screen.width = width
    with screen.capture() as said:
        screen.print(what)
    return said.get()


def test_nothing_in_a_text_is_markup_or_reaches_the_terminal_as_a_command():
    for text in ("[/h] p2p-market[ray]", "[red]x[/red] :warning:", "[link=http://x]y"):
        assert shown(text) == f"{text}\n"
    assert visible("a\x1b]0;x\x07\r\x9b31m\u202e\udcff\nb") == (
        r"a\x1b]0;x\x07\r\x9b31m\u202e\udcff" + "\nb"
    )
    assert visible("Zürich €/kWh ‰ \N{NARROW NO-BREAK SPACE} 👩‍🔬") == (
        "Zürich €/kWh ‰ \N{NARROW NO-BREAK SPACE} 👩‍🔬"
    )


NAMES = (
    "truthful",
    "exp [v1]/net.onnx",
    "exp [v2]/net.onnx",
    "/home/someone/" + "PPO_community-16-v0_lr=0.0003/" * 5 + "policy.onnx",
    "module\nof:two\x1b[2Jlines",
    "市場" * 30,
)
NUMBERS = ("100.0", "-1234.5..-1000.1", "-1234.5", "-123456.78", "12345.67", "0.00")
HEADINGS = ("policy", "score", "95 % interval", "worst", "EUR each", "dispatch", "allocation")


@pytest.mark.parametrize("width", [20, 40, 80, 200])
def test_numbers_stay_whole_and_names_are_told(width):
    said = shown(Figures(HEADINGS, [(name, *NUMBERS) for name in NAMES]), width)
    for number in NUMBERS:
        assert said.split().count(number) == len(NAMES)
    for heading in HEADINGS:
        assert heading in said
    for name in NAMES:
        assert visible(name).replace("\n", "\\n") in said
    assert "\x1b[2J" not in said
    names = {visible(name).replace("\n", "\\n") for name in NAMES}
    lines = [line for line in said.splitlines() if line not in names]
    assert width < 40 or max(map(cell_len, lines)) <= width


@pytest.mark.parametrize("width", [40, 80])
def test_a_name_without_room_has_a_line_above_its_numbers(width):
    numbers = ("100.0", "-30.1..-20.2", "1234.56")
    rows = [(name, *numbers) for name in ("zip", "zero-intelligence", "a/path/" * 9 + "x.onnx")]
    said = shown(Figures(("policy", "score", "95 %\ninterval", "EUR"), rows), width).splitlines()
    assert said[0].split() == ["95", "%"]
    assert said[1].split() == ["policy", "score", "interval", "EUR"]
    beside = [line for line in said if line.startswith("zip")]
    assert {cell_len(line) for line in beside} == {cell_len(said[1])}
    assert said[said.index(rows[2][0]) + 1].split()[0] == "100.0"
    assert ("zero-intelligence" in said) == (width < 80)


def test_names_in_two_columns_are_whole():
    rows = [("community-16-v0", "mpc-community-warm - gjerstad-dickhaut", "+1.0\n+0.1..+2.0")]
    figures = Figures(("scenario", "policies", "EUR a week"), rows, keys=2, names=(0, 1))
    assert f"{rows[0][0]} {rows[0][1]}\n" in shown(figures, 50)
    assert f"{rows[0][0]} {rows[0][1]}       +1.0\n" in shown(figures, 80)


def test_a_wide_terminal_gets_one_table_and_a_name_its_room():
    rows = [("x" * 30, *NUMBERS)]
    assert shown(Figures(HEADINGS, rows), 200).count("policy") == 1
    assert shown(Figures(HEADINGS, rows), 40).count("policy") > 1
    assert "x" * 30 in shown(Figures(HEADINGS[:3], [rows[0][:3]]), 80)


def test_the_table_of_a_run_at_80_columns_with_a_path_as_name(monkeypatch):
    monkeypatch.setattr(tables, "_weeks", lambda result: 13)
    scenario = SimpleNamespace(spec=SimpleNamespace(track="community", days=7))
    euros = np.array([643.48, 504.17])
    rows = [
        SimpleNamespace(
            policy=name,
            score=Score(58.6, -1057.98, 159.34, 58.6, -957.98),
            social_cost_eur=euros,
            gaps_eur={"dispatch": -1000.0 * euros, "allocation": euros},
            conduct=Conduct(),
            answers=SOUND,
        )
        for name in NAMES
    ]
    said = shown(tables._results(SimpleNamespace(rows=rows, scenario=scenario)))
    for number in ("58.6", "-1058.0..159.3", "-958.0", "573.83", "-573825.00"):
        assert number in said.split()
    assert NAMES[3] in said


def written_to(encoding, errors="strict"):
    raw = io.BytesIO()
    return raw, Outlet(io.TextIOWrapper(raw, encoding, errors, write_through=True))


def test_letters_that_a_stream_lacks_arereplace():
    for encoding, expected in (("ascii", b"Z?rich ?"), ("latin-1", b"Z\xfcrich ?")):
        raw, outlet = written_to(encoding)
        outlet.write("Zürich ‰")
        assert raw.getvalue() == expected
        assert outlet.encoding == encoding
    raw, outlet = written_to("utf-8")
    outlet.write("‰\udcff")
    assert raw.getvalue() == "‰?".encode()


class Broken(io.StringIO):
    """A stream that fails whatever is written."""

    def __init__(self, error):
        super().__init__()
        self.error = error

    def write(self, text):
        raise self.error


def test_only_a_reader_that_left_is_no_failure():
    assert Outlet(Broken(BrokenPipeError())).write("text") == 4
    with pytest.raises(OSError, match="full"):
        Outlet(Broken(OSError(28, "full"))).write("text")


def test_what_cannot_be_told_on_standard_error_is_no_error():
    for stream in (Broken(OSError(28, "full")), Broken(ValueError("closed"))):
        assert Outlet(stream, quiet=True).write("text") == 4


def test_a_stream_that_others_close_shows_what_follows():
    raw, outlet = written_to("utf-8")
    outlet.write("a")
    outlet.close()
    outlet.write("b")
    assert raw.getvalue() == b"ab"
    outlet.buffer.close()  # what lies below
    with pytest.raises(OSError, match="nothing can be shown"):
        outlet.write("c")
    outlet.write("d")
    outlet.flush()


@pytest.mark.parametrize("words", ["scenarios", "scenarios --json", "--help", "data list"])
def test_a_command_that_cannot_be_shown_says_so(words, monkeypatch, capsys):
    monkeypatch.setattr("sys.stdout", Broken(OSError(28, "full")))
    with pytest.raises(SystemExit) as left:
        app(words.split())
    assert left.value.code == 1
    assert capsys.readouterr().err == "error: nothing can be shown: [Errno 28] full\n"


def test_what_waits_to_be_shown_is_missed_too(monkeypatch, capsys):
    class Late(io.StringIO):
        def flush(self):
            raise OSError(28, "full")

    monkeypatch.setattr("sys.stdout", Late())
    with pytest.raises(SystemExit) as left:
        app(["scenarios", "--json"])
    assert left.value.code == 1
    assert "full" in capsys.readouterr().err


@pytest.mark.parametrize("words", ["scenarios", "scenarios --json", "--help"])
def test_a_command_without_streams_is_no_failure(words, monkeypatch):
    monkeypatch.setattr("sys.stdout", None)
    monkeypatch.setattr("sys.stderr", None)
    with pytest.raises(SystemExit) as left:
        app(words.split())
    assert left.value.code == 0


def test_a_cache_folder_whose_name_is_too_long_is_one_sentence(monkeypatch):
    monkeypatch.setenv("P2P_MARKET_DATA", f"/tmp/{'a' * 300}")
    done = CliRunner().invoke(app, ["data", "list"])
    assert done.exit_code == 2
    assert "too long" in done.output
    assert len(done.output.splitlines()) == 1


def test_brackets_of_a_hint_and_of_wrong_usage_are_shown(monkeypatch):
    found = [
        ("ray", "not installed; pip install 'p2p-market[ray]'", True),
        ("x", "[y]\x1b[31m", False),
    ]
    monkeypatch.setattr(cli, "_checks", lambda: iter(found))
    done = CliRunner().invoke(app, ["doctor"])
    assert done.exit_code == 1
    assert "p2p-market[ray]" in done.output
    assert "wrong: 1 check in red" in done.output
    assert "all is well" not in done.output
    assert r"[y]\x1b[31m" in done.output
    wrong = CliRunner().invoke(app, ["doctor", "--\x1b[31mred[/]"])
    assert wrong.exit_code == 2
    assert "\x1b[31mred" not in wrong.output


def test_doctor_says_whether_code_had_to_be_compiled():
    *_, _ = cli._checks()
    *_, (name, finding, good) = cli._checks()
    assert (name, good) == ("first step", True)
    assert finding.endswith(" s (compiled code was there)")


@pytest.mark.parametrize("command", ["--help", "benchmark --help", "leaderboard rank --help"])
def test_help_keeps_its_brackets_and_fits_an_ascii_terminal(command):
    done = CliRunner(charset="ascii").invoke(app, command.split())
    assert done.exit_code == 0
    assert "Usage" in done.output


def test_the_ranking_fits_an_ascii_terminal():
    for needed in ("cryptography", "onnxruntime", "safetensors"):
        pytest.importorskip(needed)
    done = CliRunner(charset="ascii").invoke(app, ["leaderboard", "rank", "season-0"])
    assert done.exit_code == 0, done.output
    assert "faults ?" in done.output


def test_the_console_of_the_commands_is_such_a_screen():
    assert isinstance(console, Screen)


def test_a_name_that_needs_little_leaves_its_room_to_the_other():
    long, screen = "a_module_of_mine:make_policy", Screen()
    screen.width = 60
    with screen.capture() as shown:
        screen.print(Figures(("policy", "score", "worst in"), [(long, "1.0", "classic-v0")],
                             names=(0, 2)))  # fmt: skip
    assert long in shown.get()
    assert "..." not in shown.get()
