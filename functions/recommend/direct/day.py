"""Replay of many logged requests, each with the model, catalogue, configuration and user's state at the request's time.

`alsolike replay` runs this module in a process of its own, so that the code may come from another checkout::

    python -P -m functions.recommend.direct.day FOLDER [{"model": "v2", "configuration": "draft"}]

The folder contains all inputs, so the process needs neither AWS nor a network. The first line on standard output is
``{"code": ...}`` with the folder of the process's code. One JSON line per line of `requests.jsonl` follows, in the same
order.

========================== ====================================================================
file                       content
========================== ====================================================================
requests.jsonl             logged requests, one `DayRequest` each
models/<version>/          bundles
catalogues/<version>.json  manifests of snapshots
segments/                  files of the snapshots
configurations/<name>.json documents with their versions
own-names.json             names that clients of Amazon Personalize created
trends/<hash>/             objects of the trend counters
========================== ====================================================================
"""

from __future__ import annotations

import dataclasses
import functools
import math
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import orjson

from alsolike.configuration.configuration import DEFAULT, Configuration
from alsolike.configuration_document import document as configuration_document
from alsolike.configuration_document.client_resources import NO_NAMES, OwnNames
from alsolike.declarations.degraded_reasons import IMPRESSIONS_UNAVAILABLE, PROFILE_UNAVAILABLE, USER_UNAVAILABLE
from alsolike.privacy.pseudonyms import PLAIN_IDS
from alsolike.profiles.impressions import Impressions
from alsolike.profiles.profile import Profile, RecentInteraction
from alsolike.runtime.errors import AlsolikeError, InvalidTrends, Unavailable
from alsolike.runtime.polling import PolledValue, Polling
from alsolike.runtime.struct import struct
from alsolike.snapshot.manifest import Manifest
from alsolike.snapshot.snapshot import EMPTY, Snapshot
from alsolike.trends.counters import NOTHING_COUNTED, ShardCounts, Trends
from functions.recommend.direct.replay import REPLAY, past_interactions
from functions.recommend.http.request import RecommendationRequest, parse_replay
from functions.recommend.resolve import Replayed
from functions.recommend.service import Recommender
from functions.recommend.state.catalogue import ModelCatalogue
from functions.recommend.state.model import Model
from functions.recommend.state.serving_state import ServingState
from functions.recommend.state.stores import UserStores

NONE = "none"
DRAFT = "draft"
"""Name of a configuration that is not applied."""
READ_ONCE = Polling(math.inf)


@struct
class DayRequest:
    """Logged request with references to its inputs.

    `degraded` contains the reasons why the logged response was degraded. Reads that failed for the logged response fail
    again.
    """

    fields: Mapping[str, Any]
    recommendation_id: str
    arms: Sequence[str]
    model: str
    catalogue: str
    configuration: str
    trends: str | None
    user: Mapping[str, Any]
    impressions: Sequence[Mapping[str, Any]]
    degraded: Sequence[str]
    campaign: str | None
    words: Sequence[str]


class Day:
    def __init__(self, folder: Path, *, model: str | None = None, configuration: str | None = None) -> None:
        self._folder, self._model, self._configuration_name = folder, model, configuration
        self._models = functools.lru_cache(maxsize=4)(self._open_model)
        self._snapshots = functools.lru_cache(maxsize=2)(self._open_snapshot)
        self._configurations = functools.lru_cache(maxsize=16)(self._read_configuration)
        self._views = functools.lru_cache(maxsize=4)(self._view)
        self._trends = functools.lru_cache(maxsize=2)(self._read_trends)

    def answer(self, line: bytes) -> dict[str, Any]:
        """Return the recommendation ID as `id`, with the item IDs as `items`, or the error's message as `refused`."""
        request = DayRequest(**orjson.loads(line))
        try:
            fields = REPLAY.read(dict(request.fields), "replay")
            answer = self._recommender(request, fields).answer(
                _parsed(request, fields), swaps=True, replayed=Replayed(request.recommendation_id, tuple(request.arms))
            )
        except AlsolikeError as error:
            return {"id": request.recommendation_id, "refused": str(error)}
        return {"id": request.recommendation_id, "items": [item.item_id for item in answer.items]}

    def _recommender(self, request: DayRequest, fields: Mapping[str, Any]) -> Recommender:
        version = self._model or request.model
        configuration = self._configuration_name or request.configuration
        state = ServingState(
            self._models(version),
            self._views(version, request.catalogue, configuration),
            self._configurations(configuration),
            tuple(request.degraded),
        )
        trends = self._trends(request.trends)
        counters = PolledValue(lambda _: trends, name="trends", polling=READ_ONCE)
        return Recommender(state, _stores(request, fields), counters, fields["nowMs"])

    def _view(self, version: str, catalogue: str, configuration: str) -> ModelCatalogue:
        declared = self._configurations(configuration)
        view = ModelCatalogue(self._snapshots(catalogue), self._models(version), declared)
        return view.under(declared) if configuration == DRAFT else view

    def _open_model(self, version: str) -> Model | None:
        return None if version == NONE else Model(self._folder / "models" / version)

    def _open_snapshot(self, version: str) -> Snapshot:
        if version == NONE:
            return EMPTY
        manifest = Manifest.from_json((self._folder / "catalogues" / f"{version}.json").read_bytes())
        segments = self._folder / "segments"
        return Snapshot.open(
            [segments / entry.file_name for entry in manifest.segments],
            version=version,
            cold=None if manifest.cold is None else segments / manifest.cold.file_name,
            cold_model=manifest.cold_model,
        )

    def _read_configuration(self, name: str) -> Configuration:
        stored = orjson.loads((self._folder / "configurations" / f"{name}.json").read_bytes())
        own = self._folder / "own-names.json"
        names = OwnNames.from_json(own.read_bytes(), etag="") if own.is_file() else NO_NAMES
        version = stored["version"]
        if not version and name != DRAFT:
            return names.added_to(DEFAULT)
        return names.added_to(configuration_document.parse(stored["document"], version=version, check_filters=False))

    def _read_trends(self, name: str | None) -> Trends:
        if name is None:
            return Trends()
        return Trends([_counts(path) for path in sorted((self._folder / "trends" / name).iterdir())])


def _counts(path: Path) -> ShardCounts:
    try:
        return ShardCounts.from_bytes(path.read_bytes(), name=path.name)
    except InvalidTrends:  # Serving also ignores the counters of an unreadable shard.
        return NOTHING_COUNTED


def _parsed(request: DayRequest, fields: Mapping[str, Any]) -> RecommendationRequest:
    return dataclasses.replace(
        parse_replay(fields),
        explain=False,
        alias=request.campaign,
        alias_field="campaignArn",
        words=tuple(request.words),
    )


@struct
class _LoggedUser:
    """Stored data of a logged request's user. A read fails if it failed for the logged response."""

    request: DayRequest
    recent: tuple[RecentInteraction, ...]

    def read(self, profile_id: str, /, *, length: int) -> Profile:
        self._check(PROFILE_UNAVAILABLE)
        return Profile(profile_id, self.recent[-length:])

    def get(self, user_id: str) -> Any:
        self._check(USER_UNAVAILABLE)
        return SimpleNamespace(row=SimpleNamespace(properties=self.request.user))

    def _check(self, reason: str) -> None:
        if reason in self.request.degraded:
            raise Unavailable(f"the response was degraded: {reason}")


@struct
class _LoggedImpressions:
    request: DayRequest

    def read(self, user_id: str | None, session_id: str, *, since_ms: int, now_ms: int) -> Sequence[Impressions]:
        if IMPRESSIONS_UNAVAILABLE in self.request.degraded:
            raise Unavailable(f"the response was degraded: {IMPRESSIONS_UNAVAILABLE}")
        return [Impressions(**fields) for fields in self.request.impressions]


def _stores(request: DayRequest, fields: Mapping[str, Any]) -> UserStores:
    user: Any = _LoggedUser(request, past_interactions(fields))
    impressions: Any = _LoggedImpressions(request)
    return UserStores(PLAIN_IDS, user, user, impressions)


def main(arguments: Sequence[str]) -> None:
    folder, *changes = arguments
    # Loggers write to standard output, which only the results may use.
    results = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    day = Day(Path(folder), **orjson.loads(changes[0] if changes else "{}"))
    results.write(orjson.dumps({"code": str(Path(__file__).parents[3])}) + b"\n")
    with (Path(folder) / "requests.jsonl").open("rb") as lines:
        for line in lines:
            results.write(orjson.dumps(day.answer(line)) + b"\n")


if __name__ == "__main__":
    main(sys.argv[1:])
