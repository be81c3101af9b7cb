"""The filter of system calls: its numbers, and what it answers, without a kernel."""

import ctypes
import ctypes.util
import struct

import pytest

from leaderboard.sandbox.code import seccomp
from leaderboard.sandbox.code.syscalls import FREE, JUDGED
from p2p_market.errors import P2PMarketError

ALLOW, KILL, EPERM, ENOSYS = 0x7FFF0000, 0x80000000, 0x50001, 0x50026
THREAD = 0x3D0F00
MACHINES = {name: (column, code) for name, (column, code) in seccomp.MACHINES.items()}


def answer(machine, number, *arguments, architecture=None):
    """What the program of a machine says to a call: the few instructions that it uses."""
    code = MACHINES[machine][1] if architecture is None else architecture
    padded = [*arguments, *[0] * (6 - len(arguments))]
    shown = struct.pack("<iIQ6Q", number, code, 0, *padded)
    lines = list(struct.iter_unpack("<HBBI", seccomp.program(machine)))
    place = held = 0
    while True:
        operation, then, otherwise, value = lines[place]
        place += 1
        if operation == 0x20:
            (held,) = struct.unpack_from("<I", shown, value)
        elif operation == 0x15:
            place += then if held == value else otherwise
        elif operation == 0x54:
            held &= value
        else:
            assert operation == 0x06
            return value


@pytest.mark.parametrize("machine", MACHINES)
def test_what_is_listed_is_allowed_and_all_else_refused(machine):
    column = MACHINES[machine][0]
    free = {numbers[column] for numbers in FREE.values()} - {None}
    judged = {numbers[column] for numbers in JUDGED.values()}
    for number in range(600):
        if number not in judged:
            assert answer(machine, number) == (ALLOW if number in free else EPERM), number
    assert answer(machine, 0x40000000 | 39) == EPERM  # the x32 calls of x86_64
    assert answer(machine, next(iter(free)), architecture=0x40000003) == KILL


@pytest.mark.parametrize("machine", MACHINES)
def test_calls_are_judged_by_their_arguments(machine):
    clone, clone3, ioctl, mmap, prctl, prlimit = (
        JUDGED[name][MACHINES[machine][0]]
        for name in ("clone", "clone3", "ioctl", "mmap", "prctl", "prlimit64")
    )
    assert answer(machine, clone, THREAD) == ALLOW
    for flags in (17, 0, 0x4111, THREAD | 0x10000000, THREAD | 0x20000000, THREAD | 0x80):
        assert answer(machine, clone, flags) == EPERM
    assert answer(machine, clone3) == ENOSYS
    assert answer(machine, ioctl, 1, 0x5401) == ALLOW
    assert answer(machine, ioctl, 1, 0x5412) == EPERM  # letters into a terminal
    assert answer(machine, mmap, 0, 4096, 3, 0x22) == answer(machine, mmap, 0, 4096, 1, 1) == ALLOW
    assert answer(machine, mmap, 0, 4096, 3, 0x21) == EPERM  # shared, of no file
    assert answer(machine, mmap, 0, 4096, 3, 0x122) == EPERM  # growing down, as a stack
    assert answer(machine, mmap, 0, 4096, 3, 0x40022) == EPERM  # huge pages
    assert answer(machine, prctl, 15) == ALLOW
    assert answer(machine, prctl, 22) == EPERM
    assert answer(machine, prlimit, 0, 7, 0, 5) == ALLOW
    assert answer(machine, prlimit, 0, 7, 5) == EPERM
    assert answer(machine, prlimit, 0, 7, 5 << 32) == EPERM


@pytest.mark.parametrize("machine", MACHINES)
def test_what_a_file_could_carry_to_another_process_is_refused(machine):
    fcntl, futex, madvise = (
        JUDGED[name][MACHINES[machine][0]] for name in ("fcntl", "futex", "madvise")
    )
    assert {n for n in range(1100) if answer(machine, fcntl, 3, n) == ALLOW} == {
        0, 1, 2, 3, 4, 1030,
    }  # fmt: skip
    own = {n for n in range(512) if answer(machine, futex, 0, n) == ALLOW}
    assert own - {0, 9, 265} == {n for n in range(512) if n & 128}
    assert {9, 265, 0, 128, 129} <= own
    assert answer(machine, madvise, 0, 4096, 4) == ALLOW
    for advice in (9, 12, 20, 21, 22, 25, 100):
        assert answer(machine, madvise, 0, 4096, advice) == EPERM


def test_numbers_are_those_of_the_library():
    name = ctypes.util.find_library("seccomp")
    if name is None:
        pytest.skip("no libseccomp to compare with")
    resolve = ctypes.CDLL(name).seccomp_syscall_resolve_name_arch
    resolve.argtypes, resolve.restype = [ctypes.c_uint32, ctypes.c_char_p], ctypes.c_int
    for call, numbers in (FREE | JUDGED).items():
        for column, code in MACHINES.values():
            known = resolve(code, call.encode())
            assert numbers[column] == (known if known >= 0 else None), call


def test_a_machine_without_numbers_is_named():
    with pytest.raises(P2PMarketError, match="no filter of system calls for riscv64"):
        seccomp.program("riscv64")
