"""Static lists in Chromium equal the lists of the distilled model in Python."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from alsolike.bundle.bundle import history_weights
from alsolike.bundle.manifest import HistoryParameters, Manifest
from alsolike.configuration.configuration import DEFAULT
from alsolike.declarations.storage import LISTS_KEY, LISTS_PREFIX
from alsolike.declarations.times import DAY_MS
from alsolike.snapshot.snapshot import EMPTY
from functions.publish_lists.champion_lists import ChampionLists
from functions.publish_lists.service import static_lists
from model_export.algorithms.blend import Blend
from model_export.algorithms.building_blocks.item_to_item import ItemRows
from model_export.algorithms.item_knn import ItemKnn
from model_export.algorithms.transitions import Transitions
from model_export.data.interactions import Histories, Interactions
from model_export.export.public_lists import public_lists
from tests.web.browser import new_page

ROOT = Path(__file__).parents[2]
SITE = "https://shop.example"
ITEMS, USERS, HISTORIES, LENGTH, K = 1_500, 4_000, 1_000, 20, 12
NOW_MS = 1_795_564_800_000
TYPES = ("view", "cart")
ALGORITHMS = [
    Transitions(position_decay=0.7, half_life_days=30.0),
    # This model has no item-to-item table, so its scores after single items are distilled.
    Blend(parts=((ItemKnn(), 1.0), (Transitions(), 0.5)), position_decay=0.8),
]


def random_shop(random):
    starts = (ITEMS * random.random(USERS) ** 2).astype(np.int64)
    steps = random.integers(-3, 4, (USERS, 8))
    item = 1 + (starts[:, None] + steps) % ITEMS
    return Interactions.from_rows(
        user=np.repeat(np.arange(USERS), 8),
        item=item.ravel(),
        time_ms=np.tile(np.arange(8), USERS),
        weight=np.ones(item.size, np.float32),
        users=USERS,
        items=ITEMS,
    )


def champion(algorithm, random):
    data = random_shop(random)
    model = algorithm.fit(data)
    parameters = HistoryParameters(100, algorithm.half_life_days, dict(DEFAULT.event_weights))
    manifest = Manifest("v1", algorithm.name, ITEMS, parameters, True, "v1", 0, 0, "0", {})
    order = random.permutation(ITEMS)  # IDs are not in the order of positions
    return ChampionLists(
        manifest, public_lists(model, data, data.frequency_order()), [f"SKU-é{number:05}" for number in order]
    )


def random_histories(lists, random):
    """Return histories in the browser's form, oldest first."""
    return [
        [
            {
                "itemId": lists.item_ids[int(ITEMS * random.random() ** 2)],
                "eventType": TYPES[int(random.integers(2))],
                "atMs": NOW_MS - int(days * DAY_MS),
            }
            for days in sorted(random.exponential(5, int(random.integers(1, LENGTH + 1))), reverse=True)
        ]
        for _ in range(HISTORIES)
    ]


def lists_in_python(lists, histories):
    """Return the lists of the distilled model: equal scores are ordered by ID, and popular items follow."""
    positions = {item_id: position for position, item_id in enumerate(lists.item_ids, start=1)}
    items = np.zeros((len(histories), LENGTH), np.int64)
    weights = np.zeros((len(histories), LENGTH), np.float32)
    for row, history in enumerate(histories):
        items[row, LENGTH - len(history) :] = [positions[event["itemId"]] for event in history]
        weights[row, LENGTH - len(history) :] = history_weights(
            lists.manifest.history,
            [DEFAULT.event_weights[event["eventType"]] for event in history],
            [NOW_MS - event["atMs"] for event in history],
        )
    table = lists.lists.table
    rows = [table.row(position) for position in range(ITEMS + 1)]
    target, value = np.zeros((ITEMS + 1, 20), np.int32), np.zeros((ITEMS + 1, 20), np.float32)
    for position, (targets, values) in enumerate(rows):
        target[position, : len(targets)], value[position, : len(values)] = targets, values
    model = ItemRows(row_of=np.arange(ITEMS + 1, dtype=np.int32), target=target, value=value)
    scores = model.score(Histories(items=items, weights=weights), position_decay=lists.lists.position_decay)
    found = []
    for row, history in enumerate(histories):
        seen = {event["itemId"] for event in history}
        ranked = sorted(
            (-float(scores[row, position]), lists.item_ids[position - 1])
            for position in np.flatnonzero(scores[row]).tolist()
        )
        ids = dict.fromkeys([item_id for _, item_id in ranked] + lists.popular)
        found.append([item_id for item_id in ids if item_id not in seen][:K])
    return found


@pytest.mark.parametrize("algorithm", ALGORITHMS, ids=lambda algorithm: algorithm.name)
def test_lists_in_chromium_equal_the_distilled_model(algorithm, context):
    random = np.random.default_rng(7)
    lists = champion(algorithm, random)
    files = static_lists(lists, EMPTY, DEFAULT, trending=[], now_ms=NOW_MS)
    histories = random_histories(lists, random)
    served: list[bytes] = []
    contents = {f"{LISTS_PREFIX}{name}.json": body for name, body in files.shards.items()}
    contents[LISTS_KEY] = files.lists

    def serve(route):
        path = route.request.url.removeprefix(f"{SITE}/")
        if path in contents:
            served.append(contents[path])
            route.fulfill(body=contents[path], content_type="application/json")
        elif path == "static.js":
            route.fulfill(path=ROOT / "build" / "sdk" / "dist" / "static.js", content_type="text/javascript")
        else:
            route.fulfill(body="<!doctype html><title>Shop</title>", content_type="text/html")

    context.route(f"{SITE}/**", serve)
    page = new_page(context)
    page.goto(SITE)
    rank = """async ([histories, nowMs, numResults]) => {
        const { StaticLists } = await import("/static.js");
        const lists = new StaticLists("/lists");
        Date.now = () => nowMs;
        const began = performance.now();
        const found = [];
        for (const history of histories) {
            found.push((await lists.recommend({ numResults }, history)).items.map(({ itemId }) => itemId));
        }
        return [found, performance.now() - began];
    }"""
    _, first_ms = page.evaluate(rank, [histories[:1], NOW_MS, K])
    first = list(served)
    found, all_ms = page.evaluate(rank, [histories, NOW_MS, K])

    sent = sum(len(gzip.compress(body)) for body in first)
    print(
        f"{algorithm.name}: {len(files.shards)} shards, at most {max(map(len, files.shards.values())):,} bytes; "
        f"first list with {len(histories[0])} events: {len(first)} requests, {sum(map(len, first)):,} bytes, "
        f"{sent:,} compressed, {first_ms:.0f} ms; {all_ms / HISTORIES:.2f} ms a list afterwards"
    )
    expected = lists_in_python(lists, histories)
    assert len({tuple(row) for row in expected}) > HISTORIES * 0.9  # the lists are personal, not popular items
    assert [row for row, pair in enumerate(zip(found, expected, strict=True)) if pair[0] != pair[1]] == []
