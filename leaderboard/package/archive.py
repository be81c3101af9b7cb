"""A zip that holds nothing but what its directory says: read strictly, and written.

A zip may hide a lot: a second directory, bytes before or between the members, sizes that lie,
names that clash. Here every byte has to be accounted for: the members one after the other from the
first byte on, then the directory, then the end record up to the last byte. What a usual tool adds
(comments, extra fields, folders) is refused too; `p2p-market leaderboard pack` adds none of it.
Nothing is ever written to a disk, and nothing unpacked beyond the size that was declared.
"""

import re
import stat
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from leaderboard.visible import visible
from p2p_market.errors import PackageError

PACKED_BYTES: Final = 16 * 2**20
UNPACKED_BYTES: Final = 32 * 2**20
MEMBERS: Final = 20
RATIO: Final = 100
"""Unpacked over packed size of a member that is larger than `FREE_BYTES`."""
FREE_BYTES: Final = 64 * 1024
NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}[A-Za-z0-9]", flags=re.ASCII)
MEND: Final = "pack it with `p2p-market leaderboard pack`"

STORED, DEFLATED = 0, 8
UTF8_OR_LEVEL: Final = 0x0806
"""Flags that change nothing for ASCII names: compression level, UTF-8."""

LOCAL: Final = struct.Struct("<4sHHHHHIIIHH")
CENTRAL: Final = struct.Struct("<4sHHHHHHIIIHHHHHII")
END: Final = struct.Struct("<4sHHHHIIH")


@dataclass(frozen=True, slots=True)
class Member:
    """One line of the directory."""

    name: str
    flags: int
    method: int
    crc: int
    packed: int  # bytes
    size: int  # bytes
    mode: int  # of Unix, 0 where unknown
    offset: int


def unpack(data: bytes) -> dict[str, bytes]:
    """The files of a zip, by name.

    Raises:
        PackageError: if it is not a plain zip within the limits.
    """
    if len(data) > PACKED_BYTES:
        raise PackageError(f"the zip has more than {PACKED_BYTES} bytes; make the files smaller")
    members, directory = _directory(data)
    _check_names([member.name for member in members])
    if sum(member.size for member in members) > UNPACKED_BYTES:
        raise PackageError(
            f"the files have more than {UNPACKED_BYTES} bytes unpacked; make them smaller"
        )
    files, place = {}, 0
    for member in members:
        if member.offset != place:
            raise PackageError(
                f"{member.name}: starts at byte {member.offset}, not at {place}: some bytes "
                f"belong to no file, or files overlap; {MEND}"
            )
        place = _contents_at(data, member)
        files[member.name] = _inflated(data[place : place + member.packed], member)
        place += member.packed
    if place != directory:
        raise PackageError(f"the zip holds bytes between files and directory; {MEND}")
    return files


def _directory(data: bytes) -> tuple[list[Member], int]:
    """Members in their order, and where the directory starts."""
    start = len(data) - END.size
    if start < 0 or data[start : start + 4] != b"PK\x05\x06":
        raise PackageError(
            "the file does not end in the end record of a zip: it is not a zip, was cut off, or "
            f"has bytes after its end; {MEND}"
        )
    _, disk, first_disk, here, count, size, offset, comment = END.unpack_from(data, start)
    if disk or first_disk or comment or here != count:
        raise PackageError(f"the zip has several parts or a comment; {MEND}")
    if not 0 < count <= MEMBERS:
        raise PackageError(f"the zip has {count} files; it may have 1 to {MEMBERS}")
    if offset + size != start:
        raise PackageError(f"the zip's directory is not where its end record says; {MEND}")
    members, place = [], offset
    for _ in range(count):
        member, place = _entry(data, place, start)
        members.append(member)
    if place != start:
        raise PackageError(f"the zip's directory holds more than its {count} files; {MEND}")
    return members, offset


def _entry(data: bytes, place: int, end: int) -> tuple[Member, int]:
    """One line of the directory, and where the next starts."""
    if place + CENTRAL.size > end or data[place : place + 4] != b"PK\x01\x02":
        raise PackageError(f"the zip's directory is damaged; {MEND}")
    (_, _, _, flags, method, _, _, crc, packed, size, letters, extra, comment, disk, _, outside,
     offset) = CENTRAL.unpack_from(data, place)  # fmt: skip
    place += CENTRAL.size
    name = _name(data[place : place + letters])
    if place + letters > end:
        raise PackageError(f"the zip's directory is damaged; {MEND}")
    if "/" in name or outside & 0x10:
        raise PackageError(f"{name!r}: is a folder or lies in one; a package is flat, {MEND}")
    if extra or comment or disk:
        raise PackageError(f"{name!r}: has extra fields or a comment; {MEND}")
    member = Member(name, flags, method, crc, packed, size, outside >> 16, offset)
    _check_member(member)
    return member, place + letters


def _name(raw: bytes) -> str:
    """A name; what is not plain shows as an escape or is cut, and is refused later."""
    return visible(raw.decode("latin-1"), 80)


def _check_member(member: Member) -> None:
    """One member alone: its kind, its flags, its sizes."""
    kind = stat.S_IFMT(member.mode)
    if kind not in (0, stat.S_IFREG):
        raise PackageError(f"{member.name!r}: is not a regular file; put the file itself there")
    if member.flags & ~UTF8_OR_LEVEL:
        raise PackageError(f"{member.name!r}: is encrypted or streamed; {MEND}")
    if member.method not in (STORED, DEFLATED):
        raise PackageError(f"{member.name!r}: is packed by method {member.method}; {MEND}")
    if member.size > UNPACKED_BYTES:
        raise PackageError(f"{member.name!r}: has {member.size} bytes; make it smaller")
    if member.size > FREE_BYTES and member.size > RATIO * member.packed:
        raise PackageError(
            f"{member.name!r}: unpacks to more than {RATIO} times its size; no policy does"
        )


def _check_names(names: list[str]) -> None:
    """All names: plain, and none twice."""
    for name in names:
        if not NAME.fullmatch(name):
            raise PackageError(
                f"name {name!r}: use 2 to 64 letters, digits, '.', '_' and '-', with a letter or "
                "digit at both ends; a package has no folders"
            )
    folded = [name.casefold() for name in names]
    if twice := sorted({name for name in names if folded.count(name.casefold()) > 1}):
        raise PackageError(f"names {', '.join(twice)}: clash on some systems; rename all but one")


def _contents_at(data: bytes, member: Member) -> int:
    """Where a member's contents start, after a header that repeats the directory."""
    start = member.offset
    if start + LOCAL.size > len(data) or data[start : start + 4] != b"PK\x03\x04":
        raise PackageError(f"{member.name}: its header is missing; {MEND}")
    _, _, flags, method, _, _, crc, packed, size, letters, extra = LOCAL.unpack_from(data, start)
    begin = start + LOCAL.size
    said = (_name(data[begin : begin + letters]), flags, method, crc, packed, size)
    known = (member.name, member.flags, member.method, member.crc, member.packed, member.size)
    if said != known or extra:
        raise PackageError(f"{member.name}: its header and the directory disagree; {MEND}")
    return int(begin + letters)


def _inflated(packed: bytes, member: Member) -> bytes:
    """A member's contents; nothing is unpacked beyond what was declared, and one byte."""
    whole, complete = packed, True
    if member.method == DEFLATED:
        reader = zlib.decompressobj(-zlib.MAX_WBITS)
        try:
            whole = reader.decompress(packed, member.size + 1)
        except zlib.error as error:
            raise PackageError(f"{member.name}: cannot be unpacked ({error}); {MEND}") from error
        complete = reader.eof and not reader.unused_data
    if not complete or len(packed) != member.packed or len(whole) != member.size:
        raise PackageError(f"{member.name}: its sizes are not those declared; {MEND}")
    if zlib.crc32(whole) != member.crc:
        raise PackageError(f"{member.name}: its checksum is wrong: the zip is damaged; {MEND}")
    return whole


def pack(files: Mapping[str, bytes]) -> bytes:
    """A zip of some files: the same files, the same bytes.

    Files are stored, not deflated: weights hardly shrink, and packers differ.

    Raises:
        PackageError: if a name is not allowed.
    """
    _check_names(list(files))
    members, directory = b"", b""
    for name, contents in sorted(files.items()):
        raw, crc, size = name.encode("ascii"), zlib.crc32(contents), len(contents)
        shared = (20, 0, STORED, 0, 0x21, crc, size, size, len(raw), 0)  # 1 January 1980
        mode = (stat.S_IFREG | 0o644) << 16
        entry = CENTRAL.pack(b"PK\x01\x02", 20 | 3 << 8, *shared, 0, 0, 0, mode, len(members))
        directory += entry + raw
        members += LOCAL.pack(b"PK\x03\x04", *shared) + raw + contents
    count = len(files)
    end = END.pack(b"PK\x05\x06", 0, 0, count, count, len(directory), len(members), 0)
    return members + directory + end
