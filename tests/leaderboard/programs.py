"""What a package of code may try; each runs inside `leaderboard.sandbox.code`.

`ATTEMPTS` are made by one program, in this order, and each puts out 1 where it came off. What ends
the program, or would, is in `endings`.
"""

HEAD = '''
import ctypes, fcntl, mmap, os, signal, socket, struct, subprocess, sys, threading, time
import numpy as np

libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long

def call(number, *given):
    """A system call by its number on x86_64; OSError where it is refused."""
    if os.uname().machine != "x86_64":
        raise OSError
    if libc.syscall(number, *given) < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))

def any_of(*tries):
    """Whether one comes off; what is not refused in words of the system is a slip of ours."""
    for attempt in tries:
        try:
            attempt()
            return 1.0
        except (OSError, ImportError):
            pass
    return 0.0

def write(path):
    with open(path, "w") as file:
        file.write("mine")

def read(path):
    with open(path, "rb") as file:
        file.read(1)

def see(path):
    return os.listdir(path)[0]

def needs(true):
    if not true:
        raise OSError
'''

ATTEMPTS = {
    "D01": """any_of(
        os.fork, lambda: os.posix_spawn(sys.executable, [sys.executable], {}),
        lambda: subprocess.run([sys.executable, "-c", ""]), lambda: os.execv(sys.executable, ["x"]),
        lambda: call(58), lambda: call(57), lambda: call(56, 17, 0, 0, 0, 0),
    )""",
    "D03": """any_of(
        lambda: call(101, 0, 0, 0, 0), lambda: call(101, 16, 1, 0, 0), lambda: call(101, 16, 2, 0,
        0),
        lambda: call(310, 1, 0, 0, 0, 0, 0), lambda: call(311, 1, 0, 0, 0, 0, 0),
    )""",
    "D04": """any_of(
        lambda: see("/proc"), lambda: see("/sys"), lambda: read("/proc/self/environ"),
        lambda: read("/proc/1/cmdline"), lambda: os.pidfd_open(os.getpid()),
    )""",
    "D05": """any_of(*(
        lambda place=place: write(place) for place in (
            "/x", "/opt/x", "/opt/inside.py", "/opt/wheels/x", "/opt/wheels/numpy/__init__.py",
            "/opt/python/x", "/usr/x", "/usr/lib/x", "/dev/x", "/dev/shm/x", "/lib/x",
            "/etc/passwd",
        )),
        lambda: os.chmod("/opt/inside.py", 0o777), lambda: os.unlink("/opt/inside.py"),
        lambda: os.rename("/opt/wheels/numpy", "/tmp/numpy"), lambda: os.rmdir("/dev"),
    )""",
    "D06": """any_of(
        lambda: os.symlink("/etc/passwd", "/tmp/link"), lambda: os.link("/opt/inside.py",
        "/tmp/hard"),
        lambda: os.mkfifo("/tmp/pipe"), lambda: os.mknod("/tmp/device", 0o20666, os.makedev(1, 1)),
        lambda: read("/opt/../../etc/passwd"), lambda: read("/usr/../etc/passwd"),
    )""",
    "D07": """any_of(
        socket.socket, lambda: socket.socket(socket.AF_UNIX), lambda: socket.socketpair(),
        lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW), lambda: call(41, 17, 3, 3),
        lambda: socket.create_connection(("127.0.0.1", 22), 1), lambda: call(41, 40, 1, 0),
    )""",
    "D08": """any_of(
        lambda: socket.socket(socket.AF_UNIX).bind("\\0evaluator"),
        lambda: socket.socket(socket.AF_UNIX).connect("\\0evaluator"),
    )""",
    "D10": """any_of(
        lambda: os.memfd_create("x"), lambda: __import__("mmap").mmap(-1, 2**20), lambda: call(29,
        0, 2**30, 0o1600), lambda: call(240, b"/x",
        66),
        lambda: call(319, b"x", 0), lambda: call(447, 0), lambda: call(425, 8, 0),
        lambda: np.zeros(2**27, np.uint8).tofile("/tmp/large"), lambda: fill(2**27),
    )""",
    "D11": """any_of(
        lambda: os.kill(1, 0), lambda: os.kill(-1, 9), lambda: os.killpg(0, 9),
        lambda: os.kill(EVALUATOR, 0), lambda: os.kill(EVALUATOR, 9), lambda: call(200, EVALUATOR,
        9),
        lambda: call(234, EVALUATOR, EVALUATOR, 9),
    )""",
    "D12": """(print("x" * 2**22), sys.stderr.write("y" * 2**22), os.write(1, b"z" * 2**22),
    0.0)[-1]""",
    "D15": """any_of(
        *(lambda name=name: __import__(name) for name in (
            "p2p_market", "baselines", "leaderboard", "report", "pandas", "ray", "onnx", "pip",
        )),
        lambda: needs(any("p2p" in name or "site-packages" in name for name in sys.path)),
    )""",
    "D17": """any_of(
        lambda: needs(any(word in f"{os.environ}" for word in ("SECRET", "/root", "/work", "p2p"))),
        lambda: needs(len(os.environ) > 16), lambda: needs("SECRET_OF_THE_EVALUATOR" in os.environ),
    )""",
    "D19": """any_of(
        *(lambda path=path: see(path) for path in ("/work", "/home", "/root", "/etc", "/var",
        "/run",
          "/mnt", "/bin", "/sbin", "/usr/bin", "/boot", CHECKOUT)),
        lambda: read(CHECKOUT + "/pyproject.toml"), lambda: read("/etc/passwd"),
    )""",
    "D20": """any_of(
        lambda: call(165, b"none", b"/tmp", b"tmpfs", 0, 0), lambda: call(155, b"/tmp", b"/tmp"),
        lambda: os.chroot("/tmp"), lambda: call(272, 0x10000000), lambda: call(272, 0x20000),
        lambda: call(308, 0, 0), lambda: call(429, -100, 0, 0), lambda: call(166, b"/", 2),
        lambda: call(56, 0x10000000 | 17, 0, 0, 0, 0), lambda: call(435, 0, 0),
    )""",
    "D21": """any_of(
        lambda: call(248, b"user", b"a", b"b", 1, -3), lambda: call(250, 0, -3, 1),
        lambda: call(249, b"user", b"a", 0, -3), lambda: call(298, 0, 0, -1, -1, 0),
        lambda: call(321, 0, 0, 0), lambda: call(323, 0), lambda: call(300, 0, 0),
        lambda: call(304, 0, 0, 0), lambda: call(135, 0x40000), lambda: call(317, 1, 0, 0),
        lambda: call(157, 22, 1, 0, 0, 0), lambda: call(103, 3, 0, 0),
        lambda: call(0x40000000 | 39),
    )""",
    "D22": """any_of(
        lambda: os.setuid(0), lambda: os.setgid(0), lambda: os.setgroups([0]),
        lambda: call(126, 0, 0), lambda: call(157, 24, 0, 0, 0, 0),
        lambda: needs(os.geteuid() == 0),
        lambda: needs(find_setuid()),
    )""",
    "D23": """any_of(
        *(lambda name=name: limit(name) for name in (
            "RLIMIT_AS", "RLIMIT_CPU", "RLIMIT_NPROC", "RLIMIT_FSIZE", "RLIMIT_CORE")),
        lambda: os.sched_setaffinity(0, {0}), lambda: os.setpriority(os.PRIO_PROCESS, 0, -5),
        lambda: call(203, 0, 8, b"12345678"), lambda: os.nice(-5),
    )""",
    "D26": """any_of(
        lambda: call(318, ctypes.create_string_buffer(8), 8, 0),
        lambda: needs(os.urandom(4) == b"0000"), lambda: time.clock_settime(0, 1.0),
    )""",
    "D30": """any_of(*(
        lambda path=path, ask=ask: ask(os.open(path, os.O_RDONLY))
        for path in ("/opt/wheels/numpy/__init__.py", "/opt/wheels/numpy", "/dev/null")
        for ask in (
            lambda file: fcntl.fcntl(file, fcntl.F_SETLK, LOCK),
            lambda file: fcntl.fcntl(file, fcntl.F_GETLK, LOCK),
            lambda file: fcntl.fcntl(file, 37, LOCK), lambda file: fcntl.fcntl(file, 36, LOCK),
            lambda file: fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB),
            lambda file: fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_RDLCK),
            lambda file: fcntl.fcntl(file, fcntl.F_GETLEASE),
            lambda file: fcntl.fcntl(file, fcntl.F_NOTIFY, fcntl.DN_ACCESS),
            lambda file: fcntl.fcntl(file, 1036, struct.pack("Q", 3)),
            lambda file: fcntl.fcntl(file, 1035, bytes(8)),
        )
    ))""",
    "D31": """any_of(
        lambda: taken(0x122, -1), lambda: taken(0x40022, -1),
        lambda: taken(0x1, os.open("/dev/zero", os.O_RDWR)),
    )""",
    "D32": """any_of(lambda: places(4000))""",
    "D33": """any_of(
        os.pipe, lambda: call(22, ctypes.create_string_buffer(8)),
        *(lambda file=file: fcntl.fcntl(file, 1031, 2**20) for file in range(3, 9)),
        lambda: call(284, 0, 0), lambda: call(290, 0, 0), lambda: call(291, 0),
    )""",
    "D34": """any_of(lambda: signals(1000))""",
    "D35": """any_of(lambda: wake("/opt/wheels/numpy/__init__.py"))""",
    "D36": """any_of(
        *(lambda number=number, path=path: call(number, os.open(path, os.O_RDONLY))
          for path in ("/opt/wheels/numpy", "/tmp") for number in (74, 75, 277, 306)),
        lambda: call(162), lambda: evicted("/opt/wheels/numpy/__init__.py", 21),
        lambda: evicted("/opt/wheels/numpy/__init__.py", 20),
        lambda: evicted("/opt/wheels/numpy/__init__.py", 12),
    )""",
    "D37": """any_of(
        lambda: os.setpriority(os.PRIO_USER, 0, 19), lambda: call(251, 1, 0, 0x6000),
        lambda: call(314, 0, 0, 0), lambda: call(142, 0, 0), lambda: call(144, 0, 1, 0),
        lambda: call(61, -1, 0, 1, 0), lambda: call(38, 0, 0, 0), lambda: call(222, 0, 0, 0),
    )""",
    "D38": """any_of(
        lambda: needs(OPEN_FROM_THE_START),
        lambda: needs(any(os.stat(number).st_rdev != os.makedev(1, 3) for number in range(3))),
        lambda: needs(b"PATH=/nowhere" not in start_of_the_stack()),
        lambda: needs(any(word in start_of_the_stack() for word in (
            b"SECRET", CHECKOUT.encode(), b"/root", b"/work"))),
    )""",
    "D39": """any_of(
        lambda: os.execve(script(), ["x"], {}), lambda: call(319, b"x", 4),
        lambda: call(322, -100, script().encode(), 0, 0, 0),
        lambda: call(59, script().encode(), 0, 0),
        lambda: call(437, 0, 0, 0, 0), lambda: call(446, 0, 0), lambda: call(452, -1, b"", 0, 0),
    )""",
    "D52": """any_of(
        lambda: __import__("resource").getrusage(0), lambda: call(100, 0), lambda: call(99, 0),
        lambda: call(27, shown("/opt/wheels/numpy/__init__.py"), 4096, bytes(1)),
        lambda: call(451, os.open("/opt/wheels/numpy/__init__.py", 0), bytes(16), bytes(40), 0),
        lambda: os.preadv(os.open("/opt/wheels/numpy/__init__.py", 0), [bytearray(9)], 0, 8),
        lambda: evicted("/opt/wheels/numpy/__init__.py", 22),
        lambda: os.posix_fadvise(os.open("/opt/wheels/numpy/__init__.py", 0), 0, 0, 4),
        lambda: call(187, os.open("/opt/wheels/numpy/__init__.py", 0), 0, 9),
    )""",
}

HELPERS = '''
def fill(count):
    with open("/tmp/full", "wb") as file:
        for number in range(8):
            with open(f"/tmp/full-{number}", "wb") as file:
                file.write(bytes(count // 8))

def limit(name):
    import resource
    try:
        resource.setrlimit(getattr(resource, name), (-1, -1))
    except ValueError as error:
        raise OSError from error

LOCK = struct.pack("hhqqi", fcntl.F_RDLCK, 0, 5, 1, 0) + bytes(4)

def taken(flags, file):
    """Memory of a kind that the limit of data does not count, with a word in each page."""
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
    needs(libc.mmap(None, 2**22, 3, flags, file, 0) != 2**64 - 1)

def places(count):
    """Empty files and folders; what a file is called takes memory too."""
    for number in range(count):
        if number % 2:
            os.mkdir(f"/tmp/{number:0200d}")
        else:
            os.close(os.open(f"/tmp/{number:0200d}", os.O_CREAT | os.O_WRONLY))

def signals(count):
    """Signals that wait, which all seats of a user have from one purse."""
    signal.pthread_sigmask(signal.SIG_BLOCK, range(34, 65))
    for _ in range(count):
        call(234, os.getpid(), threading.get_native_id(), 40)

def shown(path):
    """A file as pages that other processes share."""
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
    place = libc.mmap(None, 4096, 1, 1, os.open(path, os.O_RDONLY), 0)
    needs(place != 2**64 - 1)
    return ctypes.c_void_p(place)

def wake(path):
    """Whoever waits for a word of a file."""
    call(202, shown(path), 1, 1, None, None, 0)

def evicted(path, advice):
    """Pages that the evaluator reads too."""
    call(28, shown(path), 4096, advice)

def is_open(number):
    try:
        os.fstat(number)
    except OSError:
        return False
    return True

OPEN_FROM_THE_START = [number for number in range(5, 128) if is_open(number)]

def script():
    """A program of its own."""
    path = "/tmp/script"
    with open(os.open(path, os.O_CREAT | os.O_WRONLY, 0o755), "w") as file:
        file.write(f"#!{sys.executable}\\n")
    return path

def start_of_the_stack():
    """What the system put there: arguments, environment, name of the program."""
    place = ctypes.c_void_p.in_dll(libc, "environ").value
    first = ctypes.c_void_p.from_address(place).value or place
    return ctypes.string_at(first, 256)

def find_setuid():
    for folder in ("/opt", "/usr", "/lib64", "/dev"):
        for where, _, names in os.walk(folder):
            for name in names:
                path = os.path.join(where, name)
                if not os.path.islink(path) and os.stat(path).st_mode & 0o6000:
                    if not os.statvfs(path).f_flag & os.ST_NOSUID:
                        return True
    return False
'''

TAIL = """
class Policy:
    def act(self, observation, published, state):
        return tried(), state

def make(facts):
    return Policy()
"""


def attempting(evaluator, checkout):
    """The program of `ATTEMPTS`; its action has a number for each."""
    given = f"EVALUATOR, CHECKOUT = {evaluator}, {str(checkout)!r}\n"
    lines = "".join(f"    {text},\n" for text in ATTEMPTS.values())
    return HEAD + HELPERS + given + f"def tried():\n    return np.array([\n{lines}    ])\n" + TAIL
