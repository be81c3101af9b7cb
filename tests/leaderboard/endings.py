"""Programs that end, or would, and programs that two processes have at once.

Each of `ENDINGS` is a program of its own, with the fault that it must end in.
"""

from tests.leaderboard.programs import HEAD, TAIL

ENDINGS = {
    "D02": (
        "[threading.Thread(target=time.sleep, args=(99,)).start() for _ in range(9999)]",
        "dead",
    ),
    "D09": ("[bytearray(2**26) for _ in range(9999)]", "dead"),
    "D13": ("shout()", "frame"),
    "D14": ("Evil()", "dead"),
    "D16": ("old_gate()", "dead"),
    "D18": ("os.abort()", "dead"),
    "D24": ("while_true()", "late"),
    "D40": ("kept_but_not_written()", "dead"),
    "D41": ("forged(2, 1)", "frame"),
    "D42": ("drop_by_drop()", "late"),
}

EXTRA = '''
class Evil:
    """Whoever loads its pickle writes a file."""
    def __reduce__(self):
        return (write, ("/tmp/pickled",))
    def __float__(self):
        raise TypeError("no number")

def old_gate():
    """A system call of 32-bit programs, by machine code of its own."""
    import mmap
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
    code = mmap.mmap(-1, 4096, flags=flags, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    code.write(bytes.fromhex("b814000000cd80c3"))  # mov eax, 20; int 0x80; ret
    place = ctypes.addressof(ctypes.c_char.from_buffer(code))
    return ctypes.CFUNCTYPE(ctypes.c_long)(place)()

def shout():
    """An answer of its own, into whatever is open."""
    for number in range(3, 9):
        try:
            os.write(number, b"p2p1" + bytes(99))
        except OSError:
            pass
    return 0.0

def kept_but_not_written():
    """Memory that the limit of data forgets, page by page, since it was made read-only."""
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
    libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    for _ in range(12):
        place = libc.mmap(None, 2**26, 3, 0x22, -1, 0)
        needs(place != 2**64 - 1)
        ctypes.memset(place, 1, 2**26)
        libc.mprotect(place, 2**26, 1)
    return 0.0

def question():
    """Number and nonce of the question, and the pipe of the answers, from the frames above."""
    frame = sys._getframe()
    while "pipes" not in frame.f_locals:
        frame = frame.f_back
    found = frame.f_locals
    return found["number"], found["nonce"], found["pipes"]

def forged(words, times):
    """Answers of its own to the right question, of so many numbers."""
    number, nonce, pipes = question()
    for _ in range(times):
        pipes.write(number, nonce, bytes(8 * words))
    time.sleep(99)

def drop_by_drop():
    """An answer that comes letter by letter, each in time."""
    number, nonce, pipes = question()
    for letter in struct.pack("<4sI16sI", b"p2p1", number, nonce, 8) + bytes(8):
        os.write(pipes.answers, bytes([letter]))
        time.sleep(0.05)
    time.sleep(99)

def while_true():
    while True:
        pass
'''


def ended(name):
    """The program of `ENDINGS`, and its fault."""
    body, fault = ENDINGS[name]
    return HEAD + EXTRA + f"def tried():\n    return np.array([{body}])\n" + TAIL, fault


NOTES = (
    HEAD
    + """
def places():
    return ["/tmp/note", "/tmp/entry/note", "/dev/shm/note", "/opt/note", "/var/tmp/note"]

def tried():
    found = [path for path in places() if os.path.exists(path)]
    for path in places():
        any_of(lambda: write(path))
    mask = os.umask(0o123)
    return np.array([len(found) + (mask == 0o123), float(os.path.exists("/tmp/note"))])
"""
    + TAIL
)
"""Leaves a note wherever it can; how many it finds, and whether it has left one."""

SOURCES = (
    HEAD
    + """
def tried():
    libc.getauxval.restype = ctypes.c_void_p
    drawn = ctypes.c_uint32.from_address(libc.getauxval(25)).value
    return np.array([
        time.time_ns() % 2**40, id(object()), drawn,
        os.getpid(), hash("word") % 2**40, np.random.default_rng().random(),
    ], dtype=float)
"""
    + TAIL
)
"""Three numbers that no two processes have alike, and three that they have."""
