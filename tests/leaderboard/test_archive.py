"""Attacks A01 to A05: a zip that is not what it seems is refused, in bounded time and memory."""

import stat
import struct
import subprocess
import sys
import zipfile
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leaderboard.package import archive
from leaderboard.package.archive import CENTRAL, END, LOCAL
from leaderboard.package.manifest import NAME
from leaderboard.package.package import from_bytes, read
from p2p_market.errors import PackageError
from tests.leaderboard.packages import GOOD, RULE, manifest, package, zipped


def refused(data, match):
    with pytest.raises(PackageError, match=match):
        from_bytes(data)
    assert from_bytes(package()).manifest.name == "my-agent"  # the next package is unaffected


def member(name, mode=0o644 | stat.S_IFREG, **fields):
    """A line of a zip's directory with such a mode or other fields."""
    info = zipfile.ZipInfo(name)
    info.external_attr, info.create_system = mode << 16, 3
    for field, value in fields.items():
        setattr(info, field, value)
    return info


def test_good_packages_pass():
    assert from_bytes(package()).files == {"policy.toml": RULE}
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        assert from_bytes(zipped(*GOOD, method=method)) == from_bytes(package())


# A01
@pytest.mark.attack("A01")
@pytest.mark.parametrize(
    "name",
    ["../../x", "..", "/etc/passwd", "C:evil", "C:\\evil", "a\\b", "folder/policy.toml", "./x",
     "policy\x1b[31m", "a\x00b", "a\nb", "-rf", ".hidden", "x" * 65, "~root", "a*", "a:b"],
)  # fmt: skip
def test_names_that_lead_elsewhere(name):
    raw = name.encode("latin-1")
    data = zipped(*GOOD, ("R" * len(raw), b"x")).replace(b"R" * len(raw), raw)
    refused(data, "is a folder or lies in one" if "/" in name else "use 2 to 64 letters")


@pytest.mark.attack("A01")
def test_folders():
    refused(zipped(*GOOD, (member("policy/", 0o755 | stat.S_IFDIR), b"")), "is a folder")
    refused(zipped(*GOOD, (member("policy/", 0, external_attr=0x10), b"")), "is a folder")
    refused(zipped(*GOOD, (member("policy", 0o755 | stat.S_IFDIR), b"")), "not a regular file")
    refused(zipped(*GOOD, (member("mine/a", extra=b"\x00\x00\x00\x00"), b"")), "flat, pack it with")


# A02
@pytest.mark.attack("A02")
@pytest.mark.parametrize(
    "kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFIFO, stat.S_IFSOCK, stat.S_IFDIR]
)
def test_what_is_not_a_regular_file(kind):
    refused(zipped(*GOOD, (member("link", 0o777 | kind), b"/etc/passwd")), "not a regular file")


def test_comments():
    refused(zipped(*GOOD, (member("noted", comment=b"hidden"), b"")), "'noted': has extra fields")


@pytest.mark.attack("A02")
def test_hard_links_hide_in_extra_fields():
    unix = struct.pack("<HH", 0x000D, 23) + bytes(12) + b"/etc/passwd"
    refused(zipped(*GOOD, (member("link", extra=unix), b"")), "extra fields")


# A03
def bombs():
    """Name -> a zip that wants more than it should."""
    zeros, inner = bytes(40 * 2**20), zipped(*[(f"f{n}", b"") for n in range(3)])
    noise = np.random.default_rng(0).bytes(512 * 544)
    sparse = b"".join(noise[n : n + 512].ljust(2**15, b"0") for n in range(0, len(noise), 512))
    tiny = zipped(*[(f"file{n}", b"") for n in range(60_000)])
    lying = bytearray(zipped(("bomb", zeros), method=zipfile.ZIP_DEFLATED))
    for place in (22, lying.rindex(b"PK\x01\x02") + 24):
        lying[place : place + 4] = struct.pack("<I", 10)
    return {
        "ratio": zipped(*GOOD, ("bomb", zeros[: 2**23]), method=zipfile.ZIP_DEFLATED),
        "large": zipped(*GOOD, ("bomb", zeros), method=zipfile.ZIP_DEFLATED),
        "nested": zipped(*GOOD, ("inner.zip", inner)),
        "tiny": tiny,
        "million": many_entries(1_000_000),
        "together": zipped(("one", sparse), ("two", sparse), method=zipfile.ZIP_DEFLATED),
        "overlap": overlapping(),
        "lying": bytes(lying),
        "packed": zipped(("stored", zeros[: archive.PACKED_BYTES])),
    }


def many_entries(count):
    """A directory of a million empty members; the end record counts modulo 65536, as Zip64 does."""
    entry = CENTRAL.pack(b"PK\x01\x02", *[0] * 9, 1, *[0] * 6) + b"a"
    return entry * count + END.pack(b"PK\x05\x06", 0, 0, *[count % 65536] * 2, len(entry), 0, 0)


def overlapping():
    """Two members that share their packed bytes, as in Fifield's better zip bomb."""
    contents = zlib.compress(bytes(1000), 9)[2:-4]
    shared = (20, 0, 8, 0, 0, zlib.crc32(bytes(1000)), len(contents), 1000, 2, 0)
    data = LOCAL.pack(b"PK\x03\x04", *shared) + b"aa" + contents
    lines = [
        CENTRAL.pack(b"PK\x01\x02", 20, *shared, 0, 0, 0, 0, 0) + name for name in (b"aa", b"bb")
    ]
    size = sum(map(len, lines))
    return data + b"".join(lines) + END.pack(b"PK\x05\x06", 0, 0, 2, 2, size, len(data), 0)


SAYS = {
    "ratio": "more than 100 times",
    "large": "make it smaller",
    "nested": "not listed",
    "tiny": "it may have 1 to 20",
    "million": "make the files smaller",
    "together": "bytes unpacked; make them smaller",
    "overlap": "overlap",
    "lying": "sizes are not those declared",
    "packed": "make the files smaller",
}
UNPACK = """
import sys, pathlib
from leaderboard.sandbox.limits import limit
from leaderboard.package.package import read
from p2p_market.errors import PackageError
limit(1, 64 * 2**20, files=16)
for path in sys.argv[1:]:
    try:
        read(pathlib.Path(path))
    except PackageError as error:
        print(error, flush=True)
"""


@pytest.mark.attack("A03")
def test_bombs_go_off_in_nobodys_memory(tmp_path):
    """In a process that has a second for all of them, and 64 MiB; more would kill it."""
    paths = [tmp_path / f"{name}.zip" for name in SAYS]
    for path, data in zip(paths, bombs().values(), strict=True):
        path.write_bytes(data)
    command = [sys.executable, "-c", UNPACK, *paths]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    for name, line in zip(SAYS, done.stdout.splitlines(), strict=True):
        assert SAYS[name] in line, name


# A04
@pytest.mark.attack("A04")
@pytest.mark.parametrize(
    ("one", "other", "match"),
    [
        ("policy.onnx", "policy.onnx", "clash"),
        ("Policy.onnx", "POLICY.ONNX", "clash"),
        ("caf\u00e9", "cafe\u0301", "letters, digits"),
        ("policy.onnx.", "x1", "letters, digits"),
        ("policy.onnx ", "x1", "letters, digits"),
        ("stra\u00dfe", "strasse", "letters, digits"),
    ],
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_names_that_clash(one, other, match):
    refused(zipped(*GOOD, (one, b"1"), (other, b"2")), match)


# A05
def changed(data, place, new):
    return data[:place] + new + data[place + len(new) :]


@pytest.mark.attack("A05")
@pytest.mark.parametrize(
    ("name", "change", "match"),
    [
        ("prefixed", lambda d: b"#!/bin/sh\n" + d, "directory is not where"),
        ("followed", lambda d: d + b"PK", "end record"),
        ("commented", lambda d: d[:-2] + b"\x02\x00hi", "end record|comment"),
        ("polyglot", lambda d: b"%PDF-1.7\n" + d + b"\n%%EOF", "end record"),
        ("empty", lambda d: b"", "end record"),
        ("no zip", lambda d: b"\x80\x04." * 100, "end record"),
        ("two zips", lambda d: d + d, "directory is not where"),
        ("encrypted", lambda d: changed(d, d.index(b"PK\x01\x02") + 8, b"\x01"), "encrypted"),
        ("streamed", lambda d: changed(d, d.index(b"PK\x01\x02") + 8, b"\x08"), "streamed"),
        ("method 12", lambda d: changed(d, d.index(b"PK\x01\x02") + 10, b"\x0c"), "method 12"),
        ("file elsewhere", lambda d: changed(d, d.index(b"PK\x01\x02") + 34, b"\x01"), "extra fie"),
        ("two disks", lambda d: changed(d, len(d) - 18, b"\x01"), "several parts"),
        ("other disk", lambda d: changed(d, len(d) - 16, b"\x01"), "several parts"),
        ("other part", lambda d: changed(d, len(d) - 14, b"\x01"), "several parts"),
        ("comment to come", lambda d: changed(d, len(d) - 2, b"\x05"), "a comment"),
        ("renamed", lambda d: changed(d, LOCAL.size, b"P"), "disagree"),
        ("checksum", lambda d: changed(d, LOCAL.size + 11, b"x"), "checksum"),
    ],
)  # fmt: skip
def test_zips_that_are_not_plain(name, change, match):
    refused(change(package()), match)


DEFLATED = zlib.compress(b"x" * 1000, 9)[2:-4]


@pytest.mark.attack("A05")
@pytest.mark.parametrize(
    ("packed", "size", "extra", "match"),
    [
        (DEFLATED, 1000, b"", "no submission"),
        (DEFLATED + b"hidden", 1000, b"", "sizes are not those declared"),
        (DEFLATED[:-1], 1000, b"", "sizes are not those declared"),
        (DEFLATED, 999, b"", "sizes are not those declared"),
        (DEFLATED, 1001, b"", "sizes are not those declared"),
        (DEFLATED, 1000, b"hidden", "disagree"),
    ],
)
def test_deflated_bytes_are_all_accounted_for(packed, size, extra, match):
    shared = (20, 0, 8, 0, 0, zlib.crc32(b"x" * 1000), len(packed), size, 2)
    data = LOCAL.pack(b"PK\x03\x04", *shared, len(extra)) + b"aa" + extra + packed
    line = CENTRAL.pack(b"PK\x01\x02", 20, *shared, 0, 0, 0, 0, 0, 0) + b"aa"
    refused(data + line + END.pack(b"PK\x05\x06", 0, 0, 1, 1, len(line), len(data), 0), match)


@pytest.mark.attack("A05")
def test_two_directories():
    data = package()
    start = data.index(b"PK\x01\x02")
    directory = data[start : len(data) - END.size]
    end = END.unpack(data[-END.size :])
    moved = END.pack(*end[:6], end[6] + len(directory), end[7])
    refused(data[:start] + directory * 2 + moved, "between files and directory")
    longer = END.pack(*end[:5], 2 * len(directory), *end[6:])
    refused(data[:start] + directory * 2 + longer, "more than its 2 files")


@pytest.mark.attack("A05")
def test_every_cut_is_seen():
    data = package()
    for length in range(len(data)):
        with pytest.raises(PackageError):
            from_bytes(data[:length])


# Hidden bytes, wherever they are
@pytest.mark.attack("A05")
@given(st.integers(0, len(package())), st.binary(min_size=1, max_size=40))
def test_no_byte_can_be_added(place, more):
    data = package()
    with pytest.raises(PackageError):
        from_bytes(data[:place] + more + data[place:])


def told(data):
    """What is wrong with a zip, and what is in it."""
    try:
        return "", from_bytes(data)
    except PackageError as error:
        return str(error), None


@given(st.data())
def test_random_corruption_gives_a_clean_error_or_the_same_files(data):
    whole = bytearray(data.draw(st.sampled_from([package(), zipped(*GOOD, method=8)])))
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    complaint, found = told(bytes(whole))
    assert complaint.isprintable()
    assert complaint or found == from_bytes(package())


@given(st.binary(max_size=300))
def test_noise_gives_a_clean_error(noise):
    for data in (noise, noise + package()[-END.size :], package()[: -len(noise) - 1] + noise):
        with pytest.raises(PackageError):
            from_bytes(data)


@pytest.mark.attack("A03")
def test_files_are_read_within_the_limit(tmp_path):
    path = tmp_path / "huge.zip"
    with path.open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(PackageError, match="make the files smaller"):
        read(path)


def test_packing_gives_the_same_bytes():
    files = {NAME: manifest(), "policy.toml": RULE}
    assert archive.pack(files) == archive.pack(dict(reversed(files.items())))
    assert archive.unpack(archive.pack(files)) == files
    with pytest.raises(PackageError, match="no folders"):
        archive.pack({"a/b": b""})
