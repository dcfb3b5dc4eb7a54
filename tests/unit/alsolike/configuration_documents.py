"""Configuration documents for tests: a large one, and random ones from hypothesis."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import strategies as st

FULL: dict[str, Any] = {
    "format": 1,
    "events": {
        "view": {"weight": 0.5},
        "wish-list": {"weight": 2, "aliases": ["AddToWishlist"]},
        "scan": {"weight": 0, "item": "optional"},
    },
    "items": {
        "columns": {
            "BRAND": "string",
            "price": "number",
            "CREATION_TIMESTAMP": "timestamp",
            "tags": "list",
            "stock": "number",
        },
        "variants": "PARENT_ID",
    },
    "users": {"columns": {"AGE": "number"}},
    "interactions": {"context": ["DEVICE", "inStore"]},
    "filters": {
        "in-stock": "INCLUDE ItemID WHERE Items.STOCK > 0",
        "Own_Brand": 'INCLUDE ItemID WHERE Items.BRAND IN ("own")',
    },
    "recommenders": {"for-you": {"filter": "in-stock", "rules": "spring"}},
    "aliases": {
        "home-page": {
            "recommender": "for-you",
            "filter": "Own_Brand",
            "exploration": {"share": 0.3, "new_for_days": 30},
        },
        "related": {"recipe": "aws-vod-more-like-x"},
    },
    "rules": {
        "spring": {
            "promotions": [{"filter": "Own_Brand", "share": 0.25, "name": "house"}],
            "boosts": [{"filter": "Own_Brand", "factor": 1.5}],
            "demotions": [{"filter": "in-stock", "factor": 0.5}],
            "pins": [{"item": "pear", "position": 1}],
            "slate": [{"column": "BRAND", "at_most": 2}, {"column": "price", "spread": 3}],
            "diversity": {"dial": 0.3, "columns": ["BRAND"]},
            "exploration": {"share": 0.1, "new_for_days": 14},
        }
    },
    "experiments": {
        "spring-test": {
            "layer": "home",
            "on": ["for-you", "popular"],
            "planned_answers": 20_000,
            "start": "2026-03-01T08:00:00+01:00",
            "end": "2026-04-01T00:00:00Z",
            "arms": {
                "control": {"share": 0.5},
                "rules": {"share": 0.3, "rules": "spring"},
                "older": {"share": 0.2, "model": "20260301t040506-8cb309"},
            },
        }
    },
    "sessions": {
        "events": ["view", "cart"],
        "columns": ["BRAND", "price"],
        "filters": ["in-stock"],
        "sites": {"www": {"origins": ["https://www.shop.example"], "recommenders": ["for-you", "popular"]}},
    },
    "limits": {
        "clock_skew_s": 60,
        "max_event_age_days": 365,
        "minimum_item_interactions": 3,
        "minimum_user_interactions": 1,
        "history_length": 50,
        "retention_days": 400,
    },
}

_NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,8}", fullmatch=True)
_COLUMN_NAMES = st.from_regex(r"[a-z][A-Za-z0-9]{0,8}", fullmatch=True)
_EXPRESSIONS = st.sampled_from(
    [
        "INCLUDE ItemID WHERE Items.PRICE > 1",
        'EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("purchase")',
        "EXCLUDE ItemID WHERE Items.BRAND IN ($BRAND)",
    ]
)
_WEIGHTS = st.integers(0, 100) | st.floats(0, 100)


@st.composite
def valid_documents(draw: st.DrawFn) -> dict[str, Any]:
    def some(**parts: st.SearchStrategy[Any]) -> dict[str, Any]:
        return draw(st.fixed_dictionaries({}, optional=parts))

    events = {"view": {"weight": draw(st.floats(0.01, 100))}}
    for name in draw(st.lists(st.sampled_from(["click", "cart", "wish", "scan_1"]), unique=True)):
        events[name] = {"weight": draw(_WEIGHTS)} | some(
            item=st.sampled_from(["required", "optional"]),
            aliases=st.lists(st.sampled_from([f"{name.upper()} {n}" for n in range(4)]), unique=True),
        )
    types = st.sampled_from(["string", "number", "boolean", "list", "timestamp", "text"])
    columns = draw(st.dictionaries(_COLUMN_NAMES, types, max_size=4)) | {"price": "number", "brand": "string"}
    filters = draw(st.dictionaries(_NAMES, _EXPRESSIONS, min_size=1, max_size=3))
    known = st.sampled_from(sorted(filters))
    boost = {"filter": known}
    rules = {
        name: some(
            promotions=st.lists(
                st.fixed_dictionaries(boost | {"share": st.floats(0.01, 0.45), "name": _NAMES}),
                max_size=2,
                unique_by=lambda promotion: promotion["name"],
            ),
            boosts=st.lists(st.fixed_dictionaries(boost | {"factor": st.floats(1.01, 99)}), max_size=2),
            demotions=st.lists(st.fixed_dictionaries(boost | {"factor": st.floats(0.01, 0.99)}), max_size=2),
            pins=st.lists(st.integers(1, 500), unique=True, max_size=3).map(
                lambda places: [{"item": f"item {place}", "position": place} for place in places]
            ),
            diversity=st.fixed_dictionaries({"dial": st.floats(0.01, 1), "columns": st.just(["brand"])}),
        )
        for name in draw(st.lists(_NAMES, unique=True, max_size=2))
    }
    for name, kind in columns.items():
        for rule_set in rules.values():
            if kind in ("string", "list", "boolean"):
                rule_set.setdefault("slate", []).append({"column": name, "at_most": draw(st.integers(1, 9))})
            elif kind == "number":
                rule_set.setdefault("slate", []).append({"column": name, "spread": draw(st.floats(1, 9))})
    experiments = {
        name: {
            "layer": name,
            "start": draw(st.sampled_from(["2026-03-01T08:00:00Z", "2026-03-02T08:00:00.123456+05:30"])),
            "arms": {f"arm{n}": {"share": 1 / arms} for n in range(arms)},
        }
        | some(
            end=st.sampled_from([None, "2026-04-01T00:00:00-11:00"]),
            on=st.lists(st.sampled_from(["for-you", "popular", "similar-items"]), min_size=1, unique=True),
            planned_answers=st.integers(1, 10**6),
        )
        for name in draw(st.lists(_NAMES, unique=True, max_size=2))
        if (arms := draw(st.integers(2, 5)))
    }
    return {"format": 1} | some(
        events=st.just(events),
        limits=st.fixed_dictionaries({"clock_skew_s": st.integers(0, 9), "retention_days": st.none() | st.just(30)}),
        users=st.fixed_dictionaries({"columns": st.dictionaries(_COLUMN_NAMES, types, max_size=2)}),
    ) | {
        "items": {"columns": columns},
        "filters": filters,
        "recommenders": {"for-you": {"filter": draw(known), "rules": draw(st.sampled_from([None, *rules]))}},
        "aliases": {
            f"own-{recommender}": {"recommender": recommender, "filter": draw(known)}
            for recommender in draw(st.sets(st.sampled_from(["for-you", "popular", "personalized-ranking"])))
        },
        "rules": rules,
        "experiments": experiments,
    }  # fmt: skip


_SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
ANYTHING = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@st.composite
def damaged_documents(draw: st.DrawFn) -> Any:
    document = draw(st.just(FULL) | valid_documents())
    document = copy.deepcopy(document)
    for _ in range(draw(st.integers(1, 2))):
        holder = draw(st.sampled_from([part for part in _parts(document) if part]))
        if isinstance(holder, list):
            holder[draw(st.integers(0, len(holder) - 1))] = draw(ANYTHING)
        elif draw(st.booleans()):
            holder[draw(st.sampled_from(sorted(holder)) | st.text(max_size=5))] = draw(ANYTHING)
        else:
            del holder[draw(st.sampled_from(sorted(holder)))]
    return document


def _parts(document: Any) -> list[Any]:
    if not isinstance(document, dict | list):
        return []
    inner = document.values() if isinstance(document, dict) else document
    return [document, *(part for value in inner for part in _parts(value))]
