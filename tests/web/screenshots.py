"""The README's screenshots of both pages with the demo's data: ``python -m tests.web.screenshots``."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, Page, ViewportSize

from cli.demo.run import Demo
from operations.client import deployment
from tests.web.browser import Watch, chromium, new_page

IMAGES = Path(__file__).parents[2] / "docs" / "images"
LARGEST_BYTES = 300_000
HOUSEHOLDS = 300
_SETTLE_MS = 3_000
_COUNTED_MS = 150_000
"""Within it the minutes of the demo's calls are over, and counted."""
_SIZE: ViewportSize = {"width": 1280, "height": 860}
_PICTURES: tuple[tuple[str, str, Literal["light", "dark"]], ...] = (
    ("storefront", "/", "light"),
    ("console", "/console.html", "light"),
    ("console-dark", "/console.html", "dark"),
)


def main(arguments: Sequence[str]) -> int:
    """Run the demo with some households, or take the deployment of the state file that is named; write the pictures."""
    with chromium() as browser:
        if arguments:
            where = deployment.embedded(Path(arguments[0]))
            _write(browser, where.names.web_url, where.names.sign_in_url, shopper=arguments[1])
            return 0
        demo = Demo(state=deployment.state_path(), users=HOUSEHOLDS)
        with demo.running() as where:
            found = demo.summary.shopper()
            assert found is not None, "the demo compared nobody"
            _write(browser, where.names.web_url, where.names.sign_in_url, shopper=found.user_id)
    return 0


def _write(browser: Browser, url: str, sign_in_url: str, *, shopper: str) -> None:
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
        if name != "storefront":
            page.get_by_text("Show as a table").first.wait_for(timeout=_COUNTED_MS)  # no empty chart has one
        _shoot(page, IMAGES / f"{name}.png")
        watch.check()
        context.close()


def _shoot(page: Page, file: Path) -> None:
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(_SETTLE_MS)  # charts and lists are drawn as their answers come
    page.screenshot(path=file)
    size = file.stat().st_size
    assert size < LARGEST_BYTES, f"{file} has {size} bytes, expected less than {LARGEST_BYTES}"
    sys.stdout.write(f"{file}: {size} bytes\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
