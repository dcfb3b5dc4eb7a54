"""Navigation in the storefront."""

from __future__ import annotations

import json
from typing import Any

from playwright.sync_api import Locator, Page, Request, expect

from tests.web.pages_shop import PagesShop

POPULAR = "Popular now"
"""Title of the first list of a new visitor."""
EVENTS, LISTS, ORDERS = "**/api/session/events", "**/api/session/recommendations?*", "**/api/events"
"""URL patterns of the calls of the browser package (events, lists) and of the shop (orders)."""
PLACES = {"home": "#/", "product": "#/item/item-03", "cart": "#/cart", "search": "#/search?q=cheese"}


def open_shop(page: Page, shop: PagesShop, place: str = "#/") -> None:
    page.emulate_media(reduced_motion="reduce")
    page.goto(f"{shop.url}/{place}")
    page.get_by_role("main").wait_for()
    expect(page.locator(".skeleton, [aria-busy=true]")).to_have_count(0)


def cards(page: Page, title: str) -> Locator:
    return page.get_by_role("region", name=title, exact=True).get_by_role("listitem")


def status(page: Page) -> Locator:
    return page.get_by_role("complementary", name="Events sent").get_by_role("status")


def keep_events(page: Page) -> list[dict[str, Any]]:
    """Return a list to which each later event of the page is added, with the call's fields."""
    events: list[dict[str, Any]] = []

    def keep(request: Request) -> None:
        if request.method == "POST" and request.url.endswith((ORDERS.strip("*"), EVENTS.strip("*"))):
            call = json.loads(request.post_data or "")
            events.extend({**call, **event} for event in call.pop("eventList"))

    page.on("request", keep)
    return events
