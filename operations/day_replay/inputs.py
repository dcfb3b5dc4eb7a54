"""Rows of a day in the recommendation log, and the local folder with the inputs of their replay."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from alsolike.bundle.files import MANIFEST_FILE, SERVED_FILES
from alsolike.bundle.manifest import Manifest as BundleManifest
from alsolike.configuration.configuration import DEFAULT, Configuration, Fatigue
from alsolike.configuration_document import document as configuration_document
from alsolike.declarations.degraded_reasons import MODEL_FAILED, MODEL_SLOW
from alsolike.declarations.storage import OWN_NAMES_KEY, SNAPSHOT_KEY, TRENDS_PREFIX
from alsolike.lake import served
from alsolike.profiles.impressions import Impressions
from alsolike.recommendations.request_fields import FOR_YOU, PERSONALIZED_RANKING
from alsolike.records.served_response import (
    NO_CATALOGUE,
    REQUEST_OMITTED,
    ServedResponse,
    state_hash,
)
from alsolike.registry.champion_pointer_store import model_prefix
from alsolike.runtime.errors import AlsolikeError, InvalidSnapshot, NotFound
from alsolike.snapshot.manifest import Manifest
from operations import progress
from operations.client.stored_ids import pseudonyms
from operations.configuration.deployed_configuration import store_of
from operations.day_replay.histories import Histories, read_histories
from operations.day_replay.impressions import SeenLists, read_seen
from operations.explanation.unlogged_parameters import history_parameter
from operations.object_versions import ObjectVersion, read_version, stored_versions, versions_below
from operations.recovery.lake_reader import LakeReader, read_log

if TYPE_CHECKING:
    from operations.client.deployment import Deployment

DRAFT = "draft"
NO_MODEL = "none"
MODEL_REASONS = (MODEL_SLOW, MODEL_FAILED)
"""Degradations by a slow or failed model. A replay cannot repeat them."""

_LATE_MS = 3_600_000
"""Time in milliseconds after the last response up to which interactions are read, because clocks may differ."""
_PUBLISHED_MS = 120_000
"""Maximum difference between the clocks of S3 and the responses, in milliseconds."""


def read_day(deployment: Deployment, day: dt.date) -> list[ServedResponse]:
    """Return the rows of a day without duplicates, earliest first."""
    rows = _rows_of(deployment, first=day.isoformat(), last=day.isoformat())
    if not rows:
        bucket, prefix = deployment.names.lake_bucket, served.partition_prefix(day.isoformat())
        raise NotFound(
            f"the log has no responses of {day}: s3://{bucket}/{prefix} is empty. Rows are written within a minute and "
            "expire after `served_days`"
        )
    return rows


def _rows_of(deployment: Deployment, *, first: str, last: str) -> list[ServedResponse]:
    tables = read_log(deployment.client("s3"), deployment.names.lake_bucket, first=first, last=last, agents=True)
    rows = {values["recommendation_id"]: served.read_row(values) for table in tables for values in table.to_pylist()}
    return sorted(rows.values(), key=lambda row: (row.served_ms, row.recommendation_id))


class DayInputs:
    """Folder with the inputs of a replay.

    `lacking` are the reasons why responses cannot be replayed, by recommendation ID.
    """

    def __init__(self, deployment: Deployment, folder: Path) -> None:
        self._deployment = deployment
        self._folder = folder
        self._s3, self._bucket = deployment.client("s3"), deployment.names.artefact_bucket
        self._store = store_of(deployment)
        self._configurations: dict[int, Configuration] = {}
        self._since: dict[int, int] = {}
        self.lacking: dict[str, str] = {}
        for name in ("models", "catalogues", "segments", "configurations", "trends"):
            (folder / name).mkdir()

    def write(self, rows: Sequence[ServedResponse], *, model: str | None, draft: Mapping[str, Any] | None) -> int:
        """Write all inputs, and return the number of requests that can be replayed.

        `model` and `draft` are written in addition to the models and configurations of the log.
        """
        self.lacking |= {row.recommendation_id: reason for row in rows if (reason := _unreplayable(row))}
        if model is not None and not self._has_model(model):
            raise NotFound(f"model version {model!r} has no files. List versions with `alsolike models list`")
        if draft is not None:
            self._write_configuration(DRAFT, 0, draft)
        self._download(OWN_NAMES_KEY, self._folder / "own-names.json")
        rows = self._with_artefacts(self._left(rows))
        return self._write_requests(rows, self._histories(rows), self._seen(rows))

    def _left(self, rows: Sequence[ServedResponse]) -> list[ServedResponse]:
        return [row for row in rows if row.recommendation_id not in self.lacking]

    def _with_artefacts(self, rows: Sequence[ServedResponse]) -> list[ServedResponse]:
        """Fetch models, catalogues, configurations and trend counters, and return the rows that lack none of these."""
        catalogues = self._fetch_catalogues(rows)
        trends = self._fetch_trends(rows)
        models: dict[str, bool] = {NO_MODEL: True}
        configurations: dict[int, str | None] = {}
        with progress.step("models and configurations", total=len(rows)) as step:
            for row in rows:
                if row.model_version not in models:
                    models[row.model_version] = self._has_model(row.model_version)
                if row.configuration not in configurations:
                    configurations[row.configuration] = self._fetch_configuration(row.configuration)
                reason = None
                if not models[row.model_version]:
                    reason = f"model {row.model_version} is no longer stored"
                elif configurations[row.configuration] is not None:
                    reason = configurations[row.configuration]
                elif row.catalogue not in catalogues:
                    reason = "the catalogue is no longer stored"
                elif row.trends is not None and row.trends not in trends:
                    reason = "the trend counters are no longer stored"
                if reason is not None:
                    self.lacking[row.recommendation_id] = reason
                step.advance()
        return self._left(rows)

    def _fetch_catalogues(self, rows: Sequence[ServedResponse]) -> set[str]:
        """Fetch the snapshots of the rows. Return the versions whose files are stored, and `NO_CATALOGUE`."""
        wanted = {row.catalogue for row in rows if row.catalogue is not None} - {NO_CATALOGUE}
        found = {NO_CATALOGUE}
        until_ms = max((row.served_ms for row in rows), default=0) + _PUBLISHED_MS
        with progress.step("catalogues", total=len(wanted)) as step:
            for stored in stored_versions(self._s3, self._bucket, SNAPSHOT_KEY):
                if not wanted:
                    break
                if stored.modified_ms > until_ms:
                    continue
                content = read_version(self._s3, self._bucket, stored)
                try:
                    manifest = Manifest.from_json(content)
                except InvalidSnapshot:
                    continue
                if manifest.version in wanted:
                    wanted.discard(manifest.version)
                    if all(map(self._fetch_segment, manifest.files)):
                        (self._folder / "catalogues" / f"{manifest.version}.json").write_bytes(content)
                        found.add(manifest.version)
                    step.advance()
        return found

    def _fetch_segment(self, entry: Any) -> bool:
        path = self._folder / "segments" / entry.file_name
        return path.is_file() or self._download(entry.key, path)

    def _latest(self, key: str) -> bytes | None:
        """Return the latest content of an object, even if the object is deleted. None if the bucket has no version
        of it.
        """
        stored = next(stored_versions(self._s3, self._bucket, key), None)
        return None if stored is None else read_version(self._s3, self._bucket, stored)

    def _download(self, key: str, path: Path) -> bool:
        """Write the latest content of an object to a file. Return false if the bucket has no version of it."""
        content = self._latest(key)
        if content is not None:
            path.write_bytes(content)
        return content is not None

    def _has_model(self, version: str) -> bool:
        """Fetch a bundle that is not in the folder yet. Return false if its files are no longer stored."""
        folder = self._folder / "models" / version
        if folder.is_dir():
            return True
        content = self._latest(f"{model_prefix(version)}{MANIFEST_FILE}")
        if content is None:
            return False
        folder.mkdir()
        (folder / MANIFEST_FILE).write_bytes(content)
        names = BundleManifest.from_json(content).files_of(SERVED_FILES)
        with progress.step(f"model {version}", total=len(names)) as step:
            for name in names:
                if not self._download(f"{model_prefix(version)}{name}", folder / name):
                    return False
                step.advance()
        return True

    def _fetch_configuration(self, version: int) -> str | None:
        """Fetch a configuration. Return None, or the reason if it cannot be fetched."""
        try:
            document = self._store.version(version).document
        except AlsolikeError as error:
            return f"configuration {version}: {error}"
        self._write_configuration(str(version), version, document)
        return None

    def _write_configuration(self, name: str, version: int, document: Mapping[str, Any]) -> None:
        path = self._folder / "configurations" / f"{name}.json"
        path.write_bytes(orjson.dumps({"version": version, "document": document}, default=dict))
        if name != DRAFT:
            self._configurations[version] = _parsed(version, document)

    def _fetch_trends(self, rows: Sequence[ServedResponse]) -> set[str]:
        """Fetch the trend counters of the rows, and return the hashes of those that are stored."""
        wanted = {row.trends for row in rows if row.trends is not None}
        found: set[str] = set()
        if not wanted:
            return found
        oldest_first = list(versions_below(self._s3, self._bucket, TRENDS_PREFIX))[::-1]
        # The sort is stable, so versions of an object with equal times keep their order.
        for state in _states(sorted(oldest_first, key=lambda version: version.modified_ms)):
            name = state_hash([each.etag for each in state])
            if name in wanted:
                wanted.discard(name)
                folder = self._folder / "trends" / name
                folder.mkdir()
                for place, each in enumerate(state):
                    (folder / f"{place:06d}").write_bytes(read_version(self._s3, self._bucket, each))
                found.add(name)
        return found

    def _histories(self, rows: Sequence[ServedResponse]) -> Histories:
        configuration = self._store.current().configuration()
        return read_histories(
            self._deployment.client("s3"),
            self._deployment.names.lake_bucket,
            rows,
            hashes=pseudonyms(self._deployment),
            until_ms=max((row.served_ms for row in rows), default=0) + _LATE_MS,
            context=configuration.context,
        )

    def _seen(self, rows: Sequence[ServedResponse]) -> SeenLists:
        counting = [row for row in rows if row.impressions is not None]
        if not counting:
            return SeenLists({}, {})
        first_ms = min(row.served_ms - self._fatigue_of(row).lifetime_ms for row in counting)
        last_ms = max(row.served_ms for row in counting)
        earlier = _rows_of(self._deployment, first=served.served_date(first_ms), last=served.served_date(last_ms))
        lake = LakeReader(self._deployment.client("s3"), self._deployment.names.lake_bucket, received_by_ms=None)
        return read_seen(lake, earlier, counting, hashes=pseudonyms(self._deployment))

    def _fatigue_of(self, row: ServedResponse) -> Fatigue:
        fatigue = self._configurations[row.configuration].recommenders[FOR_YOU].fatigue
        return fatigue or Fatigue(1, 0)  # Without the setting, no list counts.

    def _demoting_since(self, version: int) -> int:
        """Return the time since which all configurations up to `version` demote seen items.

        0 if the configuration of `version` does not.
        """
        if version not in self._since:
            since_ms = 0
            for earlier in (number for number in reversed(self._store.current().versions) if number <= version):
                stored = self._store.version(earlier)
                if _parsed(earlier, stored.document).recommenders[FOR_YOU].fatigue is None:
                    break
                since_ms = stored.applied_ms
            self._since[version] = since_ms
        return self._since[version]

    def _lists(self, row: ServedResponse, seen: SeenLists) -> list[Impressions] | None:
        if row.impressions is None:
            return []
        lifetime_ms = self._fatigue_of(row).lifetime_ms
        return seen.of(row, lifetime_ms=lifetime_ms, first_ms=self._demoting_since(row.configuration))

    def _write_requests(self, rows: Sequence[ServedResponse], histories: Histories, seen: SeenLists) -> int:
        # Requests with equal inputs are written one after another, so that inputs are rarely loaded again.
        ordered = sorted(
            rows, key=lambda row: (row.configuration, row.catalogue or "", row.model_version, row.served_ms)
        )
        count = 0
        with (self._folder / "requests.jsonl").open("wb") as file, progress.step("requests", total=len(rows)) as step:
            for row in ordered:
                length = self._configurations[row.configuration].limits.history_length
                recent, lists = histories.recent(row, length=length), self._lists(row, seen)
                if recent is None:
                    self.lacking[row.recommendation_id] = "the user's interactions are no longer in the lake"
                elif lists is None:
                    self.lacking[row.recommendation_id] = "the lists that the user had seen are no longer in the lake"
                else:
                    line = _request(row, history_parameter(recent), histories.user(row), lists)
                    file.write(orjson.dumps(line) + b"\n")
                    count += 1
                step.advance()
        return count


def _parsed(version: int, document: Mapping[str, Any]) -> Configuration:
    return configuration_document.parse(document, version=version, check_filters=False) if version else DEFAULT


def _unreplayable(row: ServedResponse) -> str | None:
    """Return the reason if a row shows that its request cannot be replayed."""
    if row.catalogue is None:
        return "the row is of an earlier version, without references to its inputs"
    if row.shopper == served.UNKNOWN:
        return "the log does not identify the user, because the key was unavailable"
    if row.request == REQUEST_OMITTED:
        return "the log omits the parameters of the request, because they are too long"
    if reasons := [reason for reason in row.degraded if reason in MODEL_REASONS]:
        return f"the response was degraded: {reasons[0]}"
    return None


def _states(events: Sequence[ObjectVersion]) -> Iterator[list[ObjectVersion]]:
    """Yield the current versions under a prefix, sorted by key: at first none, then after each write or deletion."""
    current: dict[str, ObjectVersion] = {}
    yield []
    for event in events:
        if event.is_deletion:
            current.pop(event.key, None)
        else:
            current[event.key] = event
        yield [current[key] for key in sorted(current)]


def _request(
    row: ServedResponse, history: Sequence[Mapping[str, Any]], user: Mapping[str, Any], lists: Sequence[Impressions]
) -> dict[str, Any]:
    """Return a line of the requests; see `functions.recommend.direct.day.DayRequest`."""
    parameters = json.loads(row.request or "{}")
    campaign, words = parameters.pop("campaign", None), parameters.pop("words", ())
    ranked = list(row.item_ids) if row.recommender == PERSONALIZED_RANKING and not words and row.item_ids else None
    fields = {
        "nowMs": row.served_ms,
        "recommender": row.recommender,
        "numResults": max(row.asked, 1),
        # The log contains no IDs. The replay has one state per request, so any ID leads to this state.
        "userId": "user" if row.shopper or row.session else None,
        "itemId": row.page_item,
        "inputList": ranked,
        "history": history,
        **parameters,
    }
    return {
        "fields": {name: value for name, value in fields.items() if value is not None},
        "recommendation_id": row.recommendation_id,
        "arms": row.arms,
        "model": row.model_version,
        "catalogue": row.catalogue,
        "configuration": str(row.configuration),
        "trends": row.trends,
        "user": user,
        "impressions": [dataclasses.asdict(each) for each in lists],
        "degraded": row.degraded,
        "campaign": campaign,
        "words": words,
    }
