"""Attacks A06 to A08: files other than those listed, hostile TOML, formats that carry code."""

import hashlib
import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from leaderboard.gate.check import check
from leaderboard.package import archive
from leaderboard.package.manifest import NAME, read_manifest
from leaderboard.package.package import from_bytes, identity, pack_folder, read
from leaderboard.package.rules import read_rule
from leaderboard.playing.play import policies
from p2p_market.errors import PackageError
from p2p_market.registry import load_scenario
from tests.leaderboard.packages import DRAFT, GOOD, RULE, listing, manifest, package, zipped


def refused(data, match):
    with pytest.raises(PackageError, match=match):
        from_bytes(data)
    assert from_bytes(package()).files == {"policy.toml": RULE}


# A06
@pytest.mark.attack("A06")
def test_a_file_that_is_not_listed():
    refused(archive.pack({NAME: manifest(), "policy.toml": RULE, "more.toml": b"x"}),
            r"more\.toml: is not listed in submission\.toml; pack it again")  # fmt: skip


@pytest.mark.attack("A06")
def test_a_listed_file_that_is_not_there():
    refused(archive.pack({NAME: manifest()}), r"'policy\.toml' is not in the package")
    refused(archive.pack({"policy.toml": RULE}), r"no submission\.toml in the package; `p2p-mar")


@pytest.mark.attack("A06")
@pytest.mark.parametrize("other", [RULE + b" ", RULE.replace(b"0.1", b"0.2")])
def test_another_file_of_the_same_name(other):
    data = archive.pack({NAME: manifest(), "policy.toml": other})
    refused(data, r"policy\.toml: is not the file that submission\.toml lists")


@pytest.mark.attack("A06")
def test_a_file_swapped_after_it_was_read(tmp_path):
    """Bytes hashed are bytes played: the file is never looked at again."""
    path = tmp_path / "package.zip"
    path.write_bytes(package())
    mine = read(path)
    other = RULE.replace(b"0.1", b"0.9")
    path.write_bytes(package({"policy.toml": other}))
    (cast,) = policies(mine, check(mine), load_scenario("classic-v0")).values()
    assert cast["prosumer"].margin == 0.1
    assert mine.identity == from_bytes(package()).identity != read(path).identity


def test_identity_is_over_contents_and_known():
    files = dict(GOOD)
    mine = from_bytes(package()).identity
    for method in (0, 8):
        for members in (GOOD, GOOD[::-1]):
            assert from_bytes(zipped(*members, method=method)).identity == mine
    lines = "".join(
        f"{name} {len(files[name])} {hashlib.sha256(files[name]).hexdigest()}\n"
        for name in ("policy.toml", NAME)
    )
    told = hashlib.sha256(b"p2p-market-package/1\n" + lines.encode()).hexdigest()
    assert mine == identity(files) == told
    assert from_bytes(package(draft=DRAFT.replace("0.1.0", "0.1.1"))).identity != mine


# A07
def line(key, value):
    return manifest(draft=DRAFT.replace('summary = "None."', f'summary = "None.", {key} = {value}'))


HOSTILE = {
    "nan": (line("hours", "nan"), ": must be a finite number"),
    "infinity": (line("hours", "inf"), ": must be a finite number"),
    "1e999": (line("hours", "1e999"), ": must be a finite number"),
    "twice": (line("hours", "1, hours = 2"), "is not TOML"),
    "deep": (b"a=" + b"[" * 60_000, "line of more than 2000 bytes"),
    "deep in lines": (b"a=" + b"[\n" * 30_000, "is not TOML"),
    "deep by dots": (b"a" + b".a" * 900 + b"=1", "nested more than 8 deep"),
    "slow": (b"\n".join(b"a" + b".a" * 900 + b".b%d=1" % n for n in range(34)), "nested more"),
    "5000 digits": (line("agent_steps", "9" * 5000), "line of more than 2000 bytes"),
    "1900 digits": (line("agent_steps", "9" * 1900), "training.agent_steps 999"),
    "unknown": (line("color", "1"), "training.color 1: there is no such key"),
    "unknown hidden": (line('"\\u001b[31m"', "1"), r"training.\x1b[31m 1: there is no such key"),
    "wrong type": (line("hours", "'3'"), "training.hours '3': must be a number, without quotes"),
    "a date": (
        line("hours", "2026-01-01"),
        "datetime.date(2026, 1, 1): must be a number, without quotes",
    ),
    "true": (line("agent_steps", "true"), "training.agent_steps True: must be a whole number"),
    "long": (b'a="' + b"x\n" * 2**20 + b'"', "has more than 65536 bytes; shorten it"),
    "no utf-8": (b"a='\xff'", "is not TOML"),
    "empty": (b"", "format: is missing; add it; name: is missing; add it"),
    "many": (b"\n".join(b"k%d=1" % n for n in range(5000)), "is missing; add it"),
}


@pytest.mark.attack("A07")
@pytest.mark.parametrize("attack", HOSTILE)
def test_hostile_toml(attack):
    text, match = HOSTILE[attack]
    with pytest.raises(PackageError) as error:
        read_manifest(text)
    assert match in str(error.value)
    assert str(error.value).isprintable()
    assert len(str(error.value)) < 1000
    refused(archive.pack({NAME: text, "policy.toml": RULE}), "^submission.toml: ")


@pytest.mark.attack("A07")
@given(st.text(max_size=200), st.integers(0, len(manifest())))
def test_hostile_toml_anywhere(text, place):
    good, complaint = manifest(), ""
    try:
        read_manifest(good[:place] + text.encode("utf-8", "replace") + good[place:])
    except PackageError as error:
        complaint = str(error)
    assert complaint.isprintable()


@pytest.mark.parametrize(
    ("old", "new", "match"),
    [
        ("my-agent", "My Agent", "name 'My Agent': must be 3 to 40 small letters, digits and"),
        ("my-agent", "m", "name '"),
        ("0.1.0", "1.0", "version '1.0': must be three numbers such as 0.1.0"),
        ("0.1.0", "1\\u0660.0.0", "version '"),
        ("0.1.0", "1.0.0\\n", "version '"),
        ("submission/1", "submission/2", "format '"),
        ('"policy"', '"closed"', "division 'closed': must be 'policy', 'method' or 'reference'"),
        ('"rules"', '"perl"', "policy.kind 'perl': must be 'onnx', 'rules' or 'python'"),
        ("Ada Example", "Ada\\u202eelpmaxE", ": has invisible letters; remove them"),
        ("Ada Example", "Ada\\nExample", ": has invisible letters"),
        ("Ada Example", " Ada", "NFKC, without spaces at its ends"),
        ("Ada Example", "\\uFB01ne", "NFKC"),
        ("Ada Example", "x" * 81, "authors[0].name '"),
        ("Ada Example", "", "authors[0].name '"),
        ("year = 2026", "year = 20260", "citation.year 20260: must be less"),
        ("year = 2026", 'year = 2026, url = "javascript:alert(1)"', "citation.url '"),
        ("year = 2026", 'year = 2026, url = "https://x.org/\'>"', "citation.url "),
        ("year = 2026", 'year = 2026, doi = "10.1/x y"', "citation.doi '"),
        (
            "year = 2026",
            'year = 2026, bibtex = "@book{}"',
            "citation.bibtex '@book{}': there is no such key",
        ),
    ],
)
def test_every_field_is_bounded(old, new, match):
    assert old in DRAFT
    with pytest.raises(PackageError) as error:
        read_manifest(manifest(draft=DRAFT.replace(old, new)))
    assert match in str(error.value)


NETWORKS = {f"seed-{n}.onnx": b"%d" % n for n in range(5)}


@pytest.mark.parametrize(
    ("division", "seeds", "files", "match"),
    [
        ("method", [0, 1, 2, 3, 4], NETWORKS, None),
        ("policy", [], {"a0.onnx": b"1"}, None),
        ("policy", [], NETWORKS, "takes one file, not 5; a recipe with 5 or more"),
        ("reference", [], NETWORKS, "takes one file"),
        ("method", [0], {"a0.onnx": b"1"}, "takes 5 or more networks"),
        ("method", [0, 1, 2, 3, 3], NETWORKS, "a different seed for each file"),
        ("method", [0, 1, 2, 3, 4], dict.fromkeys(NETWORKS, b"1"), "are the same network"),
    ],
)
def test_divisions(division, seeds, files, match):
    draft = DRAFT.replace('"policy"', f'"{division}"').replace('"rules"', '"onnx"')
    draft = draft.replace('"None."', f'"None.", seeds = {seeds}')
    data = package(files, draft)
    if match is None:
        assert list(from_bytes(data).files) == sorted(files)
    else:
        refused(data, match)


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ('rule = "mpc"', "rule"),
        ("margin = 0.1", "has no `rule`; add one"),
        ('rule = "truthful"\nmargin = 1.1', r"truthful\.margin 1\.1: must be less than"),
        ('rule = "truthful"\nmargin = nan', r"truthful\.margin nan: must be a finite number"),
        ('rule = "zip"\nmargin = 0.1', r"zip\.margin 0\.1: there is no such key"),
        ('rule = "storage-value"\nhorizon_h = 25', r"storage-value\.horizon_h 25: "),
        ('rule = "storage-value"\nreach = "1"', r"storage-value\.reach '1': "),
        ('rule = "os.system"', "unknown `rule` 'os.system'; known: no-trade, "),
    ],
)
def test_rules_are_a_closed_set(text, match):
    data = from_bytes(package({"policy.toml": text.encode()}))
    with pytest.raises(PackageError, match=match):
        check(data)
    assert read_rule("community", "policy.toml", RULE).margin == 0.1


# A08
class Trap:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.mark.attack("A08")
@pytest.mark.parametrize("ending", [".yaml", ".pkl", ".npy", ".pt", ".pth", ".pt2", ".joblib",
                                    ".py", ".pyc", ".so", ".zip", ".safetensors", ""])  # fmt: skip
@pytest.mark.parametrize("kind", ["onnx", "rules"])
def test_formats_that_carry_code_are_refused_by_kind(ending, kind, tmp_path):
    trap = pickle.dumps(Trap(tmp_path / "sprung"))
    draft = DRAFT.replace('"rules"', f'"{kind}"')
    refused(package({f"policy{ending}": trap}, draft), "export networks to ONNX, write rules as TO")
    assert not (tmp_path / "sprung").exists()


@pytest.mark.attack("A08")
@pytest.mark.parametrize("kind", ["onnx", "rules"])
def test_other_formats_under_an_allowed_name_stay_bytes(kind, tmp_path):
    np.save(tmp_path / "array.npy", np.array([Trap(tmp_path / "sprung")]), allow_pickle=True)
    draft = DRAFT.replace('"rules"', f'"{kind}"')
    name = {"onnx": "policy.onnx", "rules": "policy.toml"}[kind]
    array, pickled = (tmp_path / "array.npy").read_bytes(), pickle.dumps(Trap(tmp_path / "sprung"))
    archived = zipped(("data.pkl", pickled))
    for data in (array, pickled, archived, b"!!python/object/apply:os.system ['true']"):
        with pytest.raises(PackageError, match=rf"^{name}: is not (an ONNX model|TOML)"):
            check(from_bytes(package({name: data}, draft)))
    assert not (tmp_path / "sprung").exists()


# Packing
def folder(tmp_path, draft=DRAFT):
    (tmp_path / NAME).write_text(draft, encoding="utf-8")
    (tmp_path / "policy.toml").write_bytes(RULE)
    return tmp_path


def test_a_folder_packs_to_the_same_bytes(tmp_path):
    data = pack_folder(folder(tmp_path))
    (tmp_path / "policy.toml").touch()
    assert pack_folder(tmp_path) == data
    assert from_bytes(data).files == {"policy.toml": RULE}


def test_what_a_folder_may_not_hold(tmp_path):
    with pytest.raises(PackageError, match=r"no submission\.toml"):
        pack_folder(tmp_path)
    folder(tmp_path)
    (tmp_path / "more").mkdir()
    with pytest.raises(PackageError, match="not a regular file; a package is flat"):
        pack_folder(tmp_path)
    (tmp_path / "more").rmdir()
    (tmp_path / "link.toml").symlink_to("/etc/passwd")
    with pytest.raises(PackageError, match="not a regular file"):
        pack_folder(tmp_path)
    (tmp_path / "link.toml").unlink()
    folder(tmp_path, DRAFT + listing({"policy.toml": RULE}))
    with pytest.raises(PackageError, match="files: is written by `pack`; remove it"):
        pack_folder(tmp_path)
    folder(tmp_path, DRAFT.replace("version", "vrsion"))
    with pytest.raises(PackageError, match="version: is missing; add it; vrsion "):
        pack_folder(tmp_path)
