"""A page in headless Chromium, driven over a pipe (no socket): what it shows, asks the network for and complains of."""

import fcntl
import json
import os
import shutil
import subprocess
import tempfile
import time
from types import TracebackType
from typing import Any

EXECUTABLE = shutil.which("chromium") or shutil.which("google-chrome")
_FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-quic", "--remote-debugging-pipe",
    "--window-size=1280,900",
)  # fmt: skip
_LIMIT_S = 60.0


class Page:
    """An open page. requests: addresses that it asked for, itself first; complaints: errors and console messages."""

    def __init__(self, address: str, scheme: str = "light") -> None:
        """Open it and wait until it is loaded. scheme: light or dark."""
        assert EXECUTABLE is not None
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self._profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self._start(EXECUTABLE)
        self._number, self._rest, self._loaded = 0, b"", False
        target = self._ask("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Runtime", "Log"):
            self._ask(f"{domain}.enable")
        self._ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self._began = time.perf_counter()
        self._ask("Page.navigate", url=address)
        while not self._loaded:
            self._hear()
        self.seconds = time.perf_counter() - self._began

    _session = ""

    def _start(self, executable: str) -> None:
        pipes = [[fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 20) for end in os.pipe()] for _ in range(2)]
        (theirs_in, self._out), (self._in, theirs_out) = pipes

        def place() -> None:
            os.dup2(theirs_in, 3)
            os.dup2(theirs_out, 4)

        self._process = subprocess.Popen(
            [executable, *_FLAGS, f"--user-data-dir={self._profile.name}"],
            preexec_fn=place,  # noqa: PLW1509 - no threads here, and nothing else puts pipes at 3 and 4
            close_fds=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(theirs_in)
        os.close(theirs_out)

    def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression in the page."""
        found = self._ask("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in found:
            raise AssertionError(found["exceptionDetails"])
        return found["result"].get("value")

    def screenshot(self, width: int, height: int) -> bytes:
        """PNG of the page's upper part at this size in CSS pixels."""
        import base64

        self._ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        return base64.b64decode(self._ask("Page.captureScreenshot")["data"])

    def pdf(self) -> bytes:
        """The page as it prints."""
        import base64

        return base64.b64decode(self._ask("Page.printToPDF", preferCSSPageSize=True, printBackground=True)["data"])

    def _ask(self, method: str, **values: Any) -> dict[str, Any]:
        self._number += 1
        command: dict[str, Any] = {"id": self._number, "method": method, "params": values}
        if self._session:
            command["sessionId"] = self._session
        os.write(self._out, json.dumps(command).encode() + b"\0")
        while True:
            answer = self._hear()
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise AssertionError(f"{method}: {answer['error']}")
                found: dict[str, Any] = answer["result"]
                return found

    def _hear(self) -> dict[str, Any]:
        """The next message; events are noted."""
        while b"\0" not in self._rest:
            data = os.read(self._in, 1 << 20)
            if not data:
                raise AssertionError("Chromium ended")
            self._rest += data
        line, self._rest = self._rest.split(b"\0", 1)
        message: dict[str, Any] = json.loads(line)
        self._note(message.get("method", ""), message.get("params", {}))
        return message

    def _note(self, method: str, values: dict[str, Any]) -> None:
        if method == "Network.requestWillBeSent":
            self.requests.append(values["request"]["url"])
        elif method == "Page.loadEventFired":
            self._loaded = True
        elif method in ("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded"):
            self.complaints.append(json.dumps(values))

    def __enter__(self) -> "Page":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait(_LIMIT_S)
        os.close(self._in)
        os.close(self._out)
        self._profile.cleanup()
