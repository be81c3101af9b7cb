"""Show pages that were built, on this machine only; and how far packages are, as it is now."""

from datetime import UTC, datetime
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

from leaderboard.site import submissions
from leaderboard.site.build import SUMS
from p2p_market.errors import SiteError, UsageError

HOST: Final = "127.0.0.1"
AGAIN_S: Final = 10  # after which a browser loads the page of packages again
HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""Beside what stands in the pages; a page cannot say of itself who may frame it."""


class Handler(SimpleHTTPRequestHandler):
    """Files of one folder, without lists of folders and without a log."""

    def __init__(
        self, *given: Any, inbox: Path | None = None, again_s: int = AGAIN_S, **more: Any
    ) -> None:
        """Answers one request.

        Args:
            *given: of the base.
            inbox: folder in which packages are handed in.
            again_s: how long a browser waits before it asks again.
            **more: of the base.
        """
        self.inbox, self.again_s = inbox, again_s
        super().__init__(*given, **more)

    def do_GET(self) -> None:
        """A file, or the packages as they stand now."""
        if self.inbox is None or self.path.partition("?")[0] != f"/{submissions.PAGE}":
            super().do_GET()
            return
        try:
            page = live(Path(self.directory), self.inbox).encode()
        except (OSError, UsageError):  # the folder was moved away
            self.send_error(503, "the folder of packages cannot be read now")
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(page)))
        self.send_header("Refresh", str(self.again_s))
        self.end_headers()
        self.wfile.write(page)

    def end_headers(self) -> None:
        """Add ours."""
        for name, value in HEADERS.items():
            self.send_header(name, value)
        super().end_headers()

    def list_directory(self, path: object) -> None:
        """Not offered."""
        self.send_error(404)

    def log_message(self, *_: object) -> None:
        """Quiet."""


def live(folder: Path, inbox: Path) -> str:
    """The page of packages, its table made anew."""

    def published(name: str) -> bytes | None:
        path = folder / name
        return path.read_bytes() if path.is_file() else None

    page = (folder / submissions.PAGE).read_text("utf-8")
    before, _, rest = page.partition(submissions.BEGIN)
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    table = submissions.framed(submissions.handed_in(inbox), published, now)
    return before + table + rest.partition(submissions.END)[2]


def server(
    folder: Path, port: int, inbox: Path | None = None, again_s: int = AGAIN_S
) -> ThreadingHTTPServer:
    """A server that is bound and not yet serving.

    Args:
        folder: that a build has written.
        port: 0 takes any that is free.
        inbox: folder in which packages are handed in; None: nothing is said of them.
        again_s: after which a browser loads the page of packages again.

    Raises:
        SiteError: if there are no pages, or the port is taken.
    """
    if not (folder / SUMS).is_file():
        raise SiteError(f"{folder}: holds no pages; make them with `p2p-market leaderboard build`")
    if inbox is not None and not (folder / submissions.PAGE).is_file():
        raise SiteError(f"{folder}: has no page of packages; build it with --inbox {inbox} too")
    answer = partial(Handler, directory=str(folder), inbox=inbox, again_s=again_s)
    try:
        return ThreadingHTTPServer((HOST, port), answer)
    except OSError as error:
        raise SiteError(f"port {port}: {error.strerror}; choose another with --port") from error
