"""Synthetic shop for measurements: items, users and interactions."""

from __future__ import annotations

import random
from pathlib import Path

ITEMS, GROUPS, USERS, EVENTS_A_USER = 200, 10, 200, 30
DAYS = 20


def item_ids() -> list[str]:
    return [f"item{number:04}" for number in range(ITEMS)]


def user_ids() -> list[str]:
    return [f"cost-user{number:04}" for number in range(USERS)]


def write_items(path: Path) -> None:
    rows = (f"{item_id},group{number % GROUPS}" for number, item_id in enumerate(item_ids()))
    path.write_text("\n".join(("ITEM_ID,CATEGORY_L1", *rows)))


def write_interactions(path: Path, *, now_s: int) -> None:
    """Write interactions in which each user views the items of one group in order, and buys some of them."""
    chance = random.Random(1)  # noqa: S311
    items, size, rows = item_ids(), ITEMS // GROUPS, ["USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE"]
    for number, user_id in enumerate(user_ids()):
        at_s, place = now_s - DAYS * 86_400 + chance.randrange(86_400), chance.randrange(size)
        for _ in range(EVENTS_A_USER):
            item_id = items[place % size * GROUPS + number % GROUPS]
            rows.append(f"{user_id},{item_id},{at_s},{chance.choice(('view', 'view', 'view', 'purchase'))}")
            place += chance.choice((1, 1, 1, 2, 3))
            at_s += DAYS * 86_400 // EVENTS_A_USER - 3_600
    path.write_text("\n".join(rows))
