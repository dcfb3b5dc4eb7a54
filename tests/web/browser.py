"""Chromium for tests, with a watch that fails a test after any failure in its pages."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    Response,
    expect,
    sync_playwright,
)

CHROMIUM = Path("/usr/bin/chromium")
AXE = Path(__file__).parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
_FLAGS = (
    "--no-sandbox",  # root, as in a container, cannot use the sandbox
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # Chromium treats pages that a test serves as public, and would block their calls to the API on this machine.
    "--disable-features=LocalNetworkAccessChecks",
)
WAIT_MS = 60_000
expect.set_options(timeout=WAIT_MS)


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(_FLAGS), timeout=180_000)
        try:
            yield browser
        finally:
            browser.close()


class Watch:
    """Failures in the pages of a browser context."""

    def __init__(self, context: BrowserContext, *, origins: tuple[str, ...]) -> None:
        self.faults: list[str] = []
        self.requested: list[str] = []
        self._origins = {*origins, "data:", "blob:"}
        self._expected: list[re.Pattern[str]] = []
        context.on("console", self._console)
        context.on("weberror", lambda error: self._fault(f"exception: {error.error}"))
        context.on("request", self._request)
        context.on("requestfailed", self._failed)
        context.on("response", self._response)

    def expect(self, pattern: str) -> None:
        self._expected.append(re.compile(pattern))

    def check(self) -> None:
        found = [fault for fault in self.faults if not any(e.search(fault) for e in self._expected)]
        if found:
            raise AssertionError("\n".join(["the page went wrong:", *found]))

    def _fault(self, text: str) -> None:
        self.faults.append(text)

    def _console(self, message: ConsoleMessage) -> None:
        # The failed request is already recorded as a fault.
        if message.type == "error" and "Failed to load resource" not in message.text:
            self._fault(f"console: {message.text}")

    def _request(self, request: Request) -> None:
        self.requested.append(request.url)
        parts = urlsplit(request.url)
        origin = f"{parts.scheme}://{parts.netloc}" if parts.netloc else f"{parts.scheme}:"
        if origin not in self._origins:
            self._fault(f"request to a foreign host: {request.url}")

    def _failed(self, request: Request) -> None:
        # Navigation aborts the requests of the previous page.
        if request.failure != "net::ERR_ABORTED":
            self._fault(f"request failed: {request.method} {request.url}: {request.failure}")

    def _response(self, response: Response) -> None:
        if response.status >= 400:
            self._fault(f"answer {response.status}: {response.request.method} {response.url}")


def new_page(context: BrowserContext) -> Page:
    page = context.new_page()
    page.set_default_timeout(WAIT_MS)
    return page


def no_serious_violations(page: Page) -> None:
    # The page's policy blocks foreign scripts, except those of the debugger.
    page.evaluate(AXE.read_text(encoding="utf-8"))
    schemes: tuple[Literal["light", "dark"], ...] = ("dark", "light")
    serious = [violation for scheme in schemes for violation in _serious_violations(page, scheme)]
    if serious:
        raise AssertionError("\n".join(["axe-core finds:", *serious]))


def _serious_violations(page: Page, scheme: Literal["light", "dark"]) -> Iterator[str]:
    page.emulate_media(color_scheme=scheme)
    page.evaluate("document.getAnimations().filter(a => a instanceof CSSTransition).forEach(a => a.finish())")
    found: list[dict[str, Any]] = page.evaluate("async () => (await axe.run()).violations")
    for violation in found:
        if violation["impact"] in ("serious", "critical"):
            for node in violation["nodes"]:
                summary = node.get("failureSummary", "")
                yield f"{scheme}: {violation['id']} ({violation['help']}): {node['target']} {summary}"
