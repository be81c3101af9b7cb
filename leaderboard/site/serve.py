"""Show pages that were built, on this machine only."""

from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

from leaderboard.site.build import SUMS
from p2p_market.errors import SiteError

HOST: Final = "127.0.0.1"
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


def server(folder: Path, port: int) -> ThreadingHTTPServer:
    """A server that is bound and not yet serving.

    Args:
        folder: that a build has written.
        port: 0 takes any that is free.

    Raises:
        SiteError: if there are no pages, or the port is taken.
    """
    if not (folder / SUMS).is_file():
        raise SiteError(f"{folder}: holds no pages; make them with `p2p-market leaderboard build`")
    try:
        return ThreadingHTTPServer((HOST, port), partial(Handler, directory=str(folder)))
    except OSError as error:
        raise SiteError(f"port {port}: {error.strerror}; choose another with --port") from error
