"""recommend: one request on one core, against the bare ONNX run."""

from __future__ import annotations

import dataclasses
import math
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Generic, TypeVar, cast

import numpy as np
import orjson

from alsolike import bundle
from alsolike.bundle import HistoryParameters, Manifest
from alsolike.catalogue_change import Change
from alsolike.configuration import DEFAULT, HISTORY_LENGTH, ColumnType, Configuration
from alsolike.popular_groups import PopularGroups
from alsolike.profiles import Profile, ProfileStore, RecentInteraction
from alsolike.pseudonyms import AS_THEY_COME
from alsolike.related import RelatedItems
from alsolike.snapshot import EMPTY, Snapshot
from alsolike.snapshot_segment import Segment
from alsolike.trends import NO_TRENDS
from alsolike.users import UserStore
from benchmarks.lambda_call import CONTEXT, quiet
from benchmarks.measure import Result, cpu_medians_ms
from functions.recommend import handler
from functions.recommend.champion import ChampionLoader, Serving
from functions.recommend.model import Model
from functions.recommend.people import People
from functions.recommend.standing import Watch
from functions.recommend.watched import Watched
from model_export.algorithms.transitions import Transitions
from model_export.interactions import Interactions
from model_export.item_content import DEFAULT_SCALE, content_index, item_content
from model_export.onnx_file import open_session, write_graphs

ITEMS = (2_000, 20_000, 100_000)
HISTORY = 50
K = 25
FILTERS = {
    "price": "INCLUDE ItemID WHERE Items.PRICE < 2",
    "purchases": 'EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("purchase")',
}

T = TypeVar("T")


def recommend() -> Iterator[Result]:
    """A user with 50 interactions asks for 25 items of an item-to-item model, with a filter and without."""
    for items in ITEMS:
        with tempfile.TemporaryDirectory() as directory:
            yield from _measure(items, Path(directory))


def _measure(items: int, directory: Path) -> Iterator[Result]:
    write_bundle(items, directory)
    model = Model(directory)
    recent = history_of(items)
    sources = sources_of(model, Snapshot([segment(items)], version="bench"), recent)
    setattr(handler, "_sources", lambda: sources)  # noqa: B010
    known = model.history(recent, model.bundle.positions([interaction.item_id for interaction in recent]))
    feed = {
        "history": known.items[None, :],
        "weights": np.ones((1, len(known)), np.float32),
        "exclude": np.zeros((1, 1), np.int64),
        "k": np.array([K], np.int64),
    }
    plain = open_session(directory / bundle.GRAPH_FILE)
    yield _compare(f"request, {items:,} items, history of {HISTORY}", {}, lambda: plain.run(None, feed))
    biased = open_session(directory / bundle.BIAS_GRAPH_FILE)
    feed = {**feed, "bias": np.where(np.arange(items + 1) % 2, 0, -np.inf).astype(np.float32)}
    for name in FILTERS:
        filter_arn = {"filterArn": f"arn:aws:personalize:eu-west-1:123456789012:filter/{name}"}
        yield _compare(f"the same, filtered by {name}, {items:,} items", filter_arn, lambda: biased.run(None, feed))


def _compare(work: str, fields: Mapping[str, Any], floor: Callable[[], object]) -> Result:
    body = orjson.dumps({"userId": "anna", **fields}).decode()
    event = {"routeKey": "POST /recommendations", "body": body}
    with quiet():
        medians = cpu_medians_ms(
            {"product": lambda: handler.lambda_handler(event, CONTEXT), "floor": floor}, rounds=30, repeats=40
        )
    return Result(
        "recommend",
        work,
        medians["product"],
        "bare ONNX run of the same graph",
        medians["floor"],
        note="profile in memory, no DynamoDB call",
    )


def history_of(items: int) -> tuple[RecentInteraction, ...]:
    """Return the interactions of the user who asks."""
    now_ms = time.time_ns() // 1_000_000
    return tuple(
        RecentInteraction(now_ms - 1000 * n, f"e{n}", f"item{1 + n * 37 % items}", "view") for n in range(HISTORY)
    )


def sources_of(model: Model, snapshot: Snapshot, recent: tuple[RecentInteraction, ...]) -> handler.Sources:
    """Return what the handler answers from, all of it in memory."""
    watch = Watch(
        cast(ChampionLoader, _Loaded(Serving(model, None))),
        configuration=Watched(_Read(Configuration(filters=FILTERS)), what="configuration", default=DEFAULT, retry_s=1),
        snapshot=Watched(_Read(snapshot), what="catalogue", default=EMPTY, retry_s=1),
    )
    people = People(AS_THEY_COME, _Known(recent), UserStore(None, ""))
    trends = Watched(_Read(NO_TRENDS), what="trends", default=NO_TRENDS, retry_s=1)
    return handler.Sources(watch, people, trends, time_budget_ms=100)


def segment(items: int) -> Segment:
    """Every other item costs 1, the rest 2."""
    changes = [Change(f"item{position}", 0, {"price": 1 + position % 2}) for position in range(1, items + 1)]
    return Segment.of(changes, {"price": ColumnType.NUMBER})


@dataclasses.dataclass(frozen=True)
class _Loaded:
    """A champion that is loaded already."""

    answer: Serving

    def serving(self, *, now_ms: int, remaining_ms: Callable[[], float]) -> Serving:
        return self.answer


@dataclasses.dataclass(frozen=True)
class _Read(Generic[T]):
    """A reader that has read."""

    value: T
    stale: bool = False

    def current(self, *, now_ms: int, remaining_ms: Callable[[], float] | None = None) -> T:
        return self.value


class _Known(ProfileStore):
    """A profile store with one profile, in memory."""

    def __init__(self, recent: tuple[RecentInteraction, ...]) -> None:
        self._profile = Profile("u#anna", recent, 1)

    def read(self, profile_id: str, *, consistent: bool = False) -> Profile:
        return self._profile


def write_bundle(items: int, directory: Path) -> None:
    """Write a model of items without columns."""
    rng = np.random.default_rng(7)
    users, length = max(2_000, items // 10), 100
    rows = users * length
    interactions = Interactions.from_rows(
        user=np.repeat(np.arange(users), length),
        item=rng.integers(1, items + 1, rows),
        time_ms=np.tile(np.arange(length), users) * 60_000,
        weight=np.ones(rows, np.float32),
        users=users,
        items=items,
    )
    write_graphs(Transitions().fit(interactions), directory)
    ids = [f"item{position}" for position in range(1, items + 1)]
    bundle.write_ids(directory, ids)
    bundle.write_meta(directory, [{} for _ in ids])
    bundle.write_popular(directory, np.arange(1, 501))
    PopularGroups([]).write(directory / bundle.GROUPS_FILE)
    RelatedItems.none(items).write(directory / bundle.RELATED_FILE)
    content_index(ids, item_content([{} for _ in ids]), scale=DEFAULT_SCALE).write(directory / bundle.CONTENT_FILE)
    parameters = HistoryParameters(HISTORY_LENGTH, math.inf, dict(DEFAULT.event_weights))
    manifest = Manifest("bench", "transitions", items, parameters, False, "bench", 0, 0, "bench", {})
    bundle.write_manifest(directory, manifest)
