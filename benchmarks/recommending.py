"""recommend: one request on one core, against the bare ONNX run."""

from __future__ import annotations

import dataclasses
import math
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import orjson

from alsolike import bundle
from alsolike.bundle import HistoryParameters, Manifest
from alsolike.configuration import EVENT_WEIGHTS, HISTORY_LENGTH
from alsolike.profiles import Profile, ProfileStore, RecentInteraction
from benchmarks.lambda_call import CONTEXT, quiet
from benchmarks.measure import Result, cpu_medians_ms
from functions.recommend import handler
from functions.recommend.champion import Serving
from functions.recommend.model import Model
from model_export.algorithms.transitions import Transitions
from model_export.interactions import Interactions
from model_export.onnx_file import open_session, write_graphs

ITEMS = (2_000, 20_000, 100_000)
HISTORY = 50
K = 25


def recommend() -> Iterator[Result]:
    """A user with 50 interactions asks for 25 items of an item-to-item model."""
    for items in ITEMS:
        with tempfile.TemporaryDirectory() as directory:
            yield _measure(items, Path(directory))


def _measure(items: int, directory: Path) -> Result:
    _write_bundle(items, directory)
    model = Model(directory)
    now_ms = time.time_ns() // 1_000_000
    recent = tuple(
        RecentInteraction(now_ms - 1000 * n, f"e{n}", f"item{1 + n * 37 % items}", "view") for n in range(HISTORY)
    )
    setattr(handler, "_sources", lambda: (_Loaded(Serving(model, None)), _Known(recent)))  # noqa: B010
    event = {"routeKey": "POST /recommendations", "body": orjson.dumps({"userId": "anna"}).decode()}
    session = open_session(directory / bundle.GRAPH_FILE)
    known = model.history(recent)
    feed = {
        "history": known.items[None, :],
        "weights": np.ones((1, len(known)), np.float32),
        "exclude": np.zeros((1, 1), np.int64),
        "k": np.array([K], np.int64),
    }
    with quiet():
        medians = cpu_medians_ms(
            {
                "product": lambda: handler.lambda_handler(event, CONTEXT),
                "floor": lambda: session.run(None, feed),
            },
            rounds=30,
            repeats=40,
        )
    return Result(
        "recommend",
        f"request, {items:,} items, history of {HISTORY}",
        medians["product"],
        "bare ONNX run of the same graph",
        medians["floor"],
        note="profile in memory, no DynamoDB call",
    )


@dataclasses.dataclass(frozen=True)
class _Loaded:
    """A champion that is loaded already."""

    answer: Serving

    def serving(self, *, now_ms: int, remaining_ms: Callable[[], float]) -> Serving:
        return self.answer


class _Known(ProfileStore):
    """A profile store with one profile, in memory."""

    def __init__(self, recent: tuple[RecentInteraction, ...]) -> None:
        self._profile = Profile("u#anna", recent, 1)

    def read(self, profile_id: str, *, consistent: bool = False) -> Profile:
        return self._profile


def _write_bundle(items: int, directory: Path) -> None:
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
    parameters = HistoryParameters(HISTORY_LENGTH, math.inf, dict(EVENT_WEIGHTS))
    manifest = Manifest("bench", "transitions", items, parameters, False, "bench", 0, 0, "bench", {})
    bundle.write_manifest(directory, manifest)
