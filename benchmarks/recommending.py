"""recommend: a request on one core, compared with its ONNX run and the JSON of the same response."""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np
import orjson

from alsolike.bundle import bundle, files
from alsolike.bundle.action_model import ActionModel
from alsolike.bundle.manifest import HistoryParameters, Manifest
from alsolike.bundle.popular_groups import PopularGroups
from alsolike.bundle.public_lists import PublicLists
from alsolike.bundle.related import RelatedItems
from alsolike.bundle.reranker import write_reranker
from alsolike.catalogue.changes import Change
from alsolike.catalogue.users import UserStore
from alsolike.configuration import recommendation_id
from alsolike.configuration.configuration import DEFAULT, HISTORY_LENGTH, ColumnType, Configuration
from alsolike.privacy.pseudonyms import MIN_KEY_BYTES, PLAIN_IDS, Pseudonyms
from alsolike.profiles.profile import Profile, RecentInteraction
from alsolike.profiles.profile_table import ProfileStore
from alsolike.recommendations.request_fields import FOR_YOU
from alsolike.records.served_response import RANKED
from alsolike.runtime.client_protocols import DynamoDbClient
from alsolike.runtime.polling import NO_LIMIT, PolledValue, Polling
from alsolike.snapshot.segment import Segment
from alsolike.snapshot.snapshot import Snapshot
from alsolike.trends.counters import NO_TRENDS
from benchmarks.lambda_call import CONTEXT, quiet
from benchmarks.measure import cpu_medians_ms
from benchmarks.rows import Row
from benchmarks.synthetic_models import vectors_model
from functions.recommend import dispatch, handler
from functions.recommend.dependencies import Batches, Dependencies
from functions.recommend.http.request import RecommendationRequest
from functions.recommend.http.response import Answer, RankedItem
from functions.recommend.http.served_line import ServedLog
from functions.recommend.state.bundles import BundleCache
from functions.recommend.state.champion import ChampionLoader, Serving, VariantModels
from functions.recommend.state.model import Model
from functions.recommend.state.serving_state import StateRefresher
from functions.recommend.state.stores import ActionSources, UserStores
from model_export.algorithms.transitions import Transitions
from model_export.api import Model as ExportedModel
from model_export.data.interactions import Interactions
from model_export.data.item_content import content_index, item_content
from model_export.export.writer import open_session, write_graphs

VERSION = "bench"
HISTORY = 50
K = 25
MAX_LINE_MS = 0.05
FILTERS = {
    "price": "INCLUDE ItemID WHERE Items.PRICE < 2",
    "purchases": 'EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("purchase")',
}

T = TypeVar("T")


def recommend() -> Iterator[Row]:
    """Measure requests of a user with `HISTORY` interactions, and a line of the recommendation log.

    The floor of a request is the ONNX run and the JSON of the same response. With variants, the floor is a request that
    lists all variants. The floor of the line is the printed JSON of its items.
    """
    for items, max_ratio, extra_ms in ((20_000, 1.3, 0.3), (100_000, 1.3, 0.0)):
        vectors = vectors_model(items=items, dimensions=64)
        yield from _measure(f"{items:,} vectors of 64", vectors, max_ratio=max_ratio, extra_ms=extra_ms)
    for items in (20_000, 100_000):
        yield from _measure(f"item-to-item, {items:,} items", _item_to_item(items))
    yield from _measure("item-to-item, 20,000 items", _item_to_item(20_000), filters=FILTERS)
    yield _products("item-to-item, 20,000 items in pairs of variants", _item_to_item(20_000))
    yield _products(f"{items:,} vectors of 64 in pairs of variants", vectors)
    yield _line()


def _measure(
    work: str,
    exported: ExportedModel,
    *,
    filters: Iterable[str] = (),
    max_ratio: float | None = None,
    extra_ms: float = 0.0,
) -> Iterator[Row]:
    with tempfile.TemporaryDirectory(prefix="alsolike-bench-") as name:
        directory, items = Path(name), exported.items
        write_model(exported, directory)
        model, recent = Model(directory), history_of(items)
        dependencies = dependencies_of(model, Snapshot([segment(items)], version="bench"), recent)
        setattr(dispatch, "current_dependencies", lambda: dependencies)  # noqa: B010
        known = model.history(recent, model.bundle.positions([interaction.item_id for interaction in recent]))
        feed = {
            "history": known.items[None, :],
            "weights": np.ones((1, len(known)), np.float32),
            "exclude": np.zeros((1, 1), np.int64),
            "k": np.array([K], np.int64),
        }
        if not filters:
            plain = open_session(directory / files.GRAPH_FILE)
            yield _compared(
                f"request, {work}", {}, lambda: plain.run(None, feed), max_ratio=max_ratio, extra_ms=extra_ms
            )
        biased = open_session(directory / files.BIAS_GRAPH_FILE)
        feed_biased = {**feed, "bias": np.where(np.arange(items + 1) % 2, 0, -np.inf).astype(np.float32)}
        for name in filters:
            filter_arn = {"filterArn": f"arn:aws:personalize:eu-west-1:123456789012:filter/{name}"}
            yield _compared(f"the same, filtered by {name}", filter_arn, lambda: biased.run(None, feed_biased))


def _products(work: str, exported: ExportedModel) -> Row:
    with tempfile.TemporaryDirectory(prefix="alsolike-bench-") as name:
        directory, items = Path(name), exported.items
        write_model(exported, directory)
        model, recent = Model(directory), history_of(items)
        changes = [Change(f"item{n}", 0, {"title": f"Title {n // 2}"}) for n in range(1, items + 1)]
        snapshot = Snapshot([Segment.of(changes, {})], version="bench")
        event = {"routeKey": "POST /recommendations", "body": orjson.dumps({"userId": "anna"}).decode()}

        def requests_of(configuration: Configuration) -> Callable[[], object]:
            dependencies = dependencies_of(model, snapshot, recent, configuration=configuration)

            def request_once() -> object:
                setattr(dispatch, "current_dependencies", lambda: dependencies)  # noqa: B010
                return handler.lambda_handler(event, CONTEXT)

            return request_once

        works = {"products": requests_of(Configuration()), "variants": requests_of(Configuration(variants=None))}
        with quiet():  # requests alternate, because the machine's speed varies more than the requests differ
            medians = cpu_medians_ms(works, rounds=2_000)
    against = "the request with all variants"
    return Row.compared(f"request, {work}", medians["products"], against, medians["variants"], max_ratio=1.05)


def _compared(
    work: str,
    fields: Mapping[str, Any],
    run: Callable[[], object],
    *,
    max_ratio: float | None = None,
    extra_ms: float = 0.0,
) -> Row:
    body = orjson.dumps({"userId": "anna", **fields}).decode()
    event = {"routeKey": "POST /recommendations", "body": body}
    with quiet():
        answer = orjson.loads(handler.lambda_handler(event, CONTEXT)["body"])

        def floor() -> None:
            run()
            orjson.dumps(answer)

        works = {"product": lambda: handler.lambda_handler(event, CONTEXT), "floor": floor}
        medians = cpu_medians_ms(works, rounds=30, repeats=40)
    against = "bare ONNX run and JSON of the answer"
    return Row.compared(work, medians["product"], against, medians["floor"], max_ratio=max_ratio, extra_ms=extra_ms)


def _line() -> Row:
    items = [RankedItem(f"item{place}", 1.0, RANKED) for place in range(K)]
    now_ms = time.time_ns() // 1_000_000
    response_id = recommendation_id.create(answered_ms=now_ms, recommender=FOR_YOU, version=VERSION)
    answer = Answer(response_id, FOR_YOU, VERSION, (), items, "model")
    request = RecommendationRequest(user_id="anna", num_results=K)
    log = ServedLog(PLAIN_IDS, lambda: Pseudonyms(bytes(MIN_KEY_BYTES)))
    document = {"itemList": [{"itemId": item.item_id, "score": item.score} for item in items]}
    with quiet():
        works = {
            "line": lambda: log.write(answer, request, now_ms=now_ms, took_ms=1.0),
            "floor": lambda: print(orjson.dumps(document).decode()),
        }
        medians = cpu_medians_ms(works, rounds=30, repeats=400)
    work = f"line of the recommendation log, {K} items"
    return Row.compared(
        work, medians["line"], "JSON of the items, printed", medians["floor"], max_ratio=1.0, extra_ms=MAX_LINE_MS
    )


def history_of(items: int) -> tuple[RecentInteraction, ...]:
    """Return interactions, oldest first, one per second."""
    now_ms = time.time_ns() // 1_000_000
    return tuple(
        RecentInteraction(now_ms - 1000 * n, f"e{n}", f"item{1 + n * 37 % items}", "view")
        for n in reversed(range(HISTORY))
    )


def dependencies_of(
    model: Model,
    snapshot: Snapshot,
    recent: tuple[RecentInteraction, ...],
    *,
    configuration: Configuration | None = None,
) -> Dependencies:
    """Return the handler's dependencies with all data in memory."""
    configuration = configuration or Configuration(filters=FILTERS)
    refresher = StateRefresher(
        cast(ChampionLoader, _read(Serving(model))),
        variants=VariantModels(BundleCache(cast("Any", None), "", Path()), retry_s=30),
        configuration=_read(configuration),
        snapshot=_read(snapshot),
    )
    profiles = _OneProfile(recent)
    users = UserStores(PLAIN_IDS, profiles, UserStore(cast(DynamoDbClient, None), ""))
    batches = Batches(profiles, cast("Any", None))
    served = ServedLog(PLAIN_IDS, lambda: Pseudonyms(bytes(MIN_KEY_BYTES)))
    return Dependencies(
        refresher, users, _read(NO_TRENDS), served, time_budget_ms=100, wait_budget=NO_LIMIT,
        batches=lambda: batches, actions=ActionSources(_read(()), profiles), secret_ms=0,
    )  # fmt: skip


def segment(items: int) -> Segment:
    """Return a segment of items whose prices alternate between 1 and 2."""
    changes = [Change(f"item{position}", 0, {"price": 1 + position % 2}) for position in range(1, items + 1)]
    return Segment.of(changes, {"price": ColumnType.NUMBER})


def _read(value: T) -> PolledValue[T]:
    return PolledValue(lambda _: value, name="", polling=Polling(math.inf))


class _OneProfile(ProfileStore):
    """Profile store that returns the same profile for all IDs."""

    def __init__(self, recent: tuple[RecentInteraction, ...]) -> None:
        self._profile = Profile("u#anna", recent)

    def read(self, profile_id: str, *, length: int | None = None, consistent: bool = False) -> Profile:
        return self._profile

    def read_many(self, profile_ids: Iterable[str], **_: Any) -> dict[str, Profile]:
        return dict.fromkeys(profile_ids, self._profile)


def write_bundle(items: int, directory: Path) -> None:
    write_model(_item_to_item(items), directory)


def write_model(model: ExportedModel, directory: Path) -> None:
    """Write the bundle of a model whose items have no properties."""
    write_graphs(model, directory)
    ids = [f"item{position}" for position in range(1, model.items + 1)]
    bundle.write_ids(directory, ids)
    bundle.write_meta(directory, [{} for _ in ids])
    bundle.write_popular(directory, np.arange(1, 501))
    PopularGroups([]).write(directory / files.GROUPS_FILE)
    RelatedItems.none(model.items).write(directory / files.RELATED_FILE)
    ActionModel.none().write(directory / files.ACTIONS_FILE)
    write_reranker(None, directory / files.RERANKER_FILE)
    PublicLists.none(model.items).write(directory / files.PUBLIC_FILE)
    content_index(ids, item_content([{} for _ in ids])).write(directory / files.CONTENT_FILE)
    parameters = HistoryParameters(HISTORY_LENGTH, math.inf, dict(DEFAULT.event_weights))
    manifest = Manifest(VERSION, "made up", model.items, parameters, False, "bench", 0, 0, "bench", {})
    bundle.write_manifest(directory, manifest)


def _item_to_item(items: int) -> ExportedModel:
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
    return Transitions().fit(interactions)
