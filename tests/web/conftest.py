"""Both pages in a real browser, with a shop on the embedded cloud."""

import os
from pathlib import Path

import pytest
from playwright.sync_api import ViewportSize

from local_cloud.client import Cloud
from operations.client.deployment import STATE_VARIABLE
from tests.web.browser import Watch, chromium, new_page
from tests.web.pages_shop import PagesShop, stocked_shop


@pytest.fixture(scope="session")
def shop(tmp_path_factory):
    """Yield a shop with a champion and the version before it. Each test must leave a champion.

    When writing tests, keep one shop between runs to save a minute: see `python -m tests.web.pages_shop`.
    """
    if state := os.environ.get(STATE_VARIABLE):
        yield PagesShop(Cloud.attach(Path(state)), Path(state))
        return
    directory = tmp_path_factory.mktemp("pages")
    with stocked_shop(directory, directory / "cloud.json") as found:
        yield found


@pytest.fixture(scope="session")
def browser():
    with chromium() as found:
        yield found


@pytest.fixture
def context(browser):
    found = browser.new_context(viewport={"width": 1280, "height": 900}, locale="en-GB", timezone_id="UTC")
    yield found
    found.close()


@pytest.fixture
def watch(context, shop):
    found = Watch(context, origins=(shop.url, shop.sign_in_url))
    yield found
    found.check()


@pytest.fixture
def phone(browser, shop):
    """Yield a new page with the size and touch of a phone."""
    size = ViewportSize(width=390, height=844)
    context = browser.new_context(viewport=size, has_touch=True, locale="en-GB", timezone_id="UTC")
    watch = Watch(context, origins=(shop.url, shop.sign_in_url))
    yield new_page(context)
    watch.check()
    context.close()


@pytest.fixture
def page(context, watch):
    return new_page(context)
