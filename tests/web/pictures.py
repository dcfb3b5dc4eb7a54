"""Pictures of the documentation with the demo's data: ``python -m tests.web.pictures``.

Screenshots of both pages and of a draft in the rule editor, in light and dark, and a recording of the demo's output as
SVG.
"""

from __future__ import annotations

import contextlib
import io
import json
import re
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, Page, ViewportSize
from rich.console import Console
from rich.text import Text

from cli import terminal
from cli.demo import summary as results
from operations import progress
from operations.client import deployment as deployments
from operations.demo.run import Demo
from tests.web.browser import Watch, chromium, new_page

IMAGES = Path(__file__).parents[2] / "docs" / "images"
LARGEST_BYTES = 300_000
SHOWN_S = 12.0
"""Maximum duration of the recording, in seconds. A longer demo is shown faster."""

_SETTLE_MS = 3_000
_COUNTED_MS = 150_000
"""Maximum wait until the metrics contain the minutes of the demo's calls."""
_SIZE: ViewportSize = {"width": 1280, "height": 860}
_RULES_HEIGHT = 1_800
"""Height at which the window contains the rule editor, the preview and the forecast."""
_COLUMNS = 100
_PICTURES: tuple[tuple[str, str, Literal["light", "dark"]], ...] = (
    ("storefront", "/", "light"),
    ("storefront-dark", "/", "dark"),
    ("console", "/console.html", "light"),
    ("console-dark", "/console.html", "dark"),
    ("rules", "/console.html#/rules", "light"),
    ("rules-dark", "/console.html#/rules", "dark"),
)


def main(arguments: Sequence[str]) -> int:
    """Run the demo, or use the deployment of a given state file and shopper, and write the pictures."""
    with chromium() as browser, contextlib.ExitStack() as stack:
        if arguments:
            deployment, shopper_id = deployments.embedded(Path(arguments[0])), arguments[1]
        else:
            demo = Demo(state=deployments.state_path(), users=None, on_first=results.show_first)
            recording = Recording()
            progress.report_to(terminal)
            with contextlib.redirect_stdout(recording), contextlib.redirect_stderr(recording):
                stack.enter_context(terminal.observing(demo.record))
                deployment = stack.enter_context(demo.running())
                results.show(demo.summary)
            recording.write_svg(IMAGES / "demo.svg", command="make demo")
            shopper = demo.summary.shopper()
            assert shopper is not None, "the demo compared no shoppers"
            shopper_id = shopper.user_id
        _screenshots(browser, deployment.names.web_url, deployment.names.sign_in_url, shopper=shopper_id)
    return 0


class Recording(io.StringIO):
    """Output of a command with the time of each line. The terminal also shows the output."""

    def __init__(self) -> None:
        super().__init__()
        self._terminal, self._started_s = sys.stderr, time.monotonic()
        self._ends_s: list[float] = []

    def write(self, text: str) -> int:
        self._terminal.write(text)
        self._terminal.flush()
        self._ends_s += [time.monotonic() - self._started_s] * text.count("\n")
        return super().write(text)

    def write_svg(self, file: Path, *, command: str) -> None:
        """Write an SVG whose lines appear one after another, as on the terminal."""
        terminal = Console(record=True, width=_COLUMNS, file=io.StringIO())
        starts_s = [0.0]
        terminal.print(Text(f"$ {command}", style="bold"))
        for line, end_s in zip(self.getvalue().splitlines(), self._ends_s, strict=False):
            folded = Text(line).wrap(terminal, _COLUMNS) or [Text()]
            starts_s += [end_s * SHOWN_S / max(SHOWN_S, self._ends_s[-1])] * len(folded)
            for part in folded:
                terminal.print(part)
        picture = re.sub(r"@font-face \{.*?\}", "", terminal.export_svg(title=command), flags=re.DOTALL)
        style = "@media (prefers-reduced-motion: no-preference) { text[class] { animation: shown 0.1s backwards } }"
        picture = picture.replace("</style>", f"@keyframes shown {{ from {{ opacity: 0 }} }} {style}</style>", 1)
        file.write_text(
            re.sub(
                r'clip-path="url\(#[\w-]+-line-(\d+)\)"',
                lambda line: f'{line[0]} style="animation-delay: {starts_s[int(line[1])]:.2f}s"',
                picture,
            )
        )
        sys.stdout.write(f"{file}: {file.stat().st_size} bytes\n")


def _screenshots(browser: Browser, url: str, sign_in_url: str, *, shopper: str) -> None:
    IMAGES.mkdir(exist_ok=True)
    for name, path, scheme in _PICTURES:
        context = browser.new_context(viewport=_SIZE, color_scheme=scheme, locale="en-US", reduced_motion="reduce")
        kept = json.dumps({"shopperId": shopper, "cart": []})
        # The script runs before every document, also before those of other origins.
        context.add_init_script(
            f"if (location.origin === {json.dumps(url)}) "
            f"localStorage.setItem('alsolike-storefront', {json.dumps(kept)});"
        )
        watch = Watch(context, origins=(url, sign_in_url))
        page = new_page(context)
        page.goto(f"{url}{path}")
        page.get_by_role("main").wait_for()
        if path.endswith("rules"):
            _draft_rules(page, shopper=shopper)
        elif path != "/":
            page.get_by_text("Show as a table").first.wait_for(timeout=_COUNTED_MS)  # empty charts have no table
        _shoot(page, IMAGES / f"{name}.png")
        watch.check()
        context.close()


def _draft_rules(page: Page, *, shopper: str) -> None:
    page.set_viewport_size({"width": _SIZE["width"], "height": _RULES_HEIGHT})
    page.get_by_label("Name of the new rule set").fill("spring")
    page.get_by_role("button", name="Add a rule set").click()
    page.get_by_role("checkbox", name="for-you").check()
    page.get_by_role("textbox", name="User").fill(shopper)
    page.get_by_role("button", name="Preview").click()
    page.get_by_role("button", name=re.compile("^Pin .* to position 5$")).click()
    page.get_by_role("button", name="Dismiss").click()
    page.get_by_role("spinbutton", name="Position").fill("1")
    forecast = page.get_by_role("button", name="Forecast", exact=True)
    forecast.click()  # waits for the check of the draft
    page.get_by_text(re.compile("No forecast:|The draft changes")).wait_for(timeout=_COUNTED_MS)


def _shoot(page: Page, file: Path) -> None:
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(_SETTLE_MS)  # waits until charts and lists are drawn
    page.screenshot(path=file)
    size = file.stat().st_size
    assert size < LARGEST_BYTES, f"{file} has {size} bytes, expected less than {LARGEST_BYTES}"
    sys.stdout.write(f"{file}: {size} bytes\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
