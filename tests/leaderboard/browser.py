"""Chromium without a window, driven over a pipe in the DevTools protocol; nothing to install."""

import base64
import json
import os
import select
import shutil
import subprocess
import time
from pathlib import Path

CHROMIUM = shutil.which("chromium")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-dev-shm-usage", "--hide-scrollbars", "--remote-debugging-pipe",
)  # fmt: skip
PATIENCE_S = 120.0
COMPLAINTS = (
    "Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded",
    "Page.javascriptDialogOpening", "Page.windowOpen",
)  # fmt: skip


class Browser:
    """One page; what it asked for and what it complained about is kept."""

    def __init__(self, profile: Path):
        to_read, self._write = os.pipe()
        self._read, to_write = os.pipe()
        command = [CHROMIUM, *FLAGS, f"--user-data-dir={profile}", "about:blank"]
        self._process = subprocess.Popen(
            ["bash", "-c", f'exec "$@" 3<&{to_read} 4>&{to_write}', "bash", *command],
            pass_fds=(to_read, to_write),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(to_read)
        os.close(to_write)
        self._number, self._session, self._rest = 0, None, b""
        self.requests, self.complaints, self._events = [], [], []
        (target,) = (
            one for one in self("Target.getTargets")["targetInfos"] if one["type"] == "page"
        )
        attached = self("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self(f"{domain}.enable")

    def __call__(self, method, **parameters):
        """What the browser answers to a command."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            said = self._next()
            if said.get("id") == self._number:
                assert "error" not in said, said
                return said["result"]

    def _next(self):
        """The next message; events are noted."""
        until = time.monotonic() + PATIENCE_S
        while b"\0" not in self._rest:
            assert select.select([self._read], [], [], max(0.0, until - time.monotonic()))[0]
            data = os.read(self._read, 1 << 20)
            assert data, "the browser has gone"
            self._rest += data
        raw, _, self._rest = self._rest.partition(b"\0")
        said = json.loads(raw)
        self._note(said.get("method"), said.get("params"))
        return said

    def _note(self, method, told):
        if method == "Network.requestWillBeSent":
            self.requests.append(told["request"]["url"])
        elif method in COMPLAINTS:
            self.complaints.append(told)
        if method:
            self._events.append(method)

    def open(self, address):
        """Go to a page and wait until it is loaded."""
        self._events.clear()
        self("Page.navigate", url=address)
        self._loaded()

    def follow(self, selector):
        """Click a link and wait until its page is loaded."""
        self._events.clear()
        self.click(selector)
        self._loaded()

    def again(self):
        """Wait until the page has loaded itself again."""
        self._events.clear()
        self._loaded()

    def _loaded(self):
        while "Page.loadEventFired" not in self._events:
            self._next()

    def run(self, expression):
        """The value of an expression in the page."""
        found = self("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def look(self, scheme="light", width=1280, height=900, phone=False):
        """How the page is looked at."""
        self(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=1, mobile=phone,
        )  # fmt: skip
        wanted = [{"name": "prefers-color-scheme", "value": scheme}]
        self("Emulation.setEmulatedMedia", features=wanted)

    def click(self, selector, place=0):
        """A click of the mouse in the middle of an element."""
        x, y = self.run(
            f"(() => {{ const one = document.querySelectorAll({json.dumps(selector)})[{place}];"
            "one.scrollIntoView({block: 'center', inline: 'center'});"
            "const box = one.getBoundingClientRect();"
            "return [box.left + box.width / 2, box.top + box.height / 2]; })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def picture(self, path, whole=True):
        """A screenshot."""
        shot = self("Page.captureScreenshot", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(shot["data"]))

    def close(self):
        """End the browser."""
        self._session = None
        self("Browser.close")
        self._process.wait(timeout=PATIENCE_S)
        os.close(self._read)
        os.close(self._write)
