"""Navigation in the console."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect

from tests.web.pages_shop import PagesShop

VIEWS = {
    "overview": "Overview",
    "alarms": "Alarms",
    "models": "Models",
    "trainings": "Trainings",
    "engagement": "Engagement",
    "experiments": "Experiments",
    "rules": "Rules",
    "drift": "Drift",
    "quarantine": "Quarantine",
    "cost": "Cost",
}
"""Titles of the views by address."""


def show(page: Page, shop: PagesShop, view: str) -> None:
    """Open a view, and wait until all its requests have responses."""
    page.goto(f"{shop.url}/console.html#/{view}")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.locator(".skeleton")).to_have_count(0)


def champion_of(page: Page) -> Locator:
    return page.get_by_role("region", name=re.compile(r"^\S+$")).locator("h2")
