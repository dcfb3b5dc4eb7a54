"""Format of a training dataset: files, columns, manifest and test window."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import orjson

from alsolike.configuration.configuration import HISTORY_LENGTH, Configuration
from alsolike.declarations.storage import DATASETS_PREFIX
from alsolike.declarations.times import DAY_MS
from alsolike.runtime.errors import InvalidDataset, UnknownEventType
from alsolike.training.drift_reference import Reference

LONGEST_HOLDOUT_MS = 28 * DAY_MS
HOLDOUT_SHARE = 0.1
START_QUANTILE = 0.05
"""Share of earliest interactions that `holdout_ms` ignores, so that a few very old interactions have no effect."""

MIN_TEST_USERS = 5
"""Minimum number of users of an evaluation window who also have interactions before the window."""


def holdout_ms(start_ms: int, last_ms: int) -> int:
    """Return the length of the test window in milliseconds: `HOLDOUT_SHARE` of the interactions' time range, at most
    `LONGEST_HOLDOUT_MS`.

    Parameters
    ----------
    start_ms
        `START_QUANTILE` quantile of the interactions' times, in epoch milliseconds.

    Examples
    --------
    >>> holdout_ms(5 * 86_400_000, 100 * 86_400_000) // 86_400_000
    10
    """
    return int(min(LONGEST_HOLDOUT_MS, HOLDOUT_SHARE * (last_ms - start_ms) / (1 - START_QUANTILE)))


INTERACTIONS_FILE = "interactions.parquet"
ITEMS_FILE = "items.parquet"
USERS_FILE = "users.parquet"
ACTIONS_FILE = "actions.parquet"
ACTION_INTERACTIONS_FILE = "action_interactions.parquet"
"""Files with actions and their interactions. Absent in shops without actions."""
IMPRESSIONS_FILE = "impressions.parquet"
"""File with logged responses that had outcomes. Absent if there are none."""
MANIFEST_FILE = "manifest.json"
CHAMPION_FOLDER = "champion"
"""Folder of the bundle that was champion when the dataset was built. Training compares new models with this bundle.
Optional.
"""
IMPORTED_FOLDER = "imported"
"""Folder of a graph of another trainer, which the job evaluates and exports instead of training. Optional."""

INTERACTION_COLUMNS = ("profile_id", "item_id", "event_time_ms", "weight")
"""Columns of the interactions, which are sorted by event_time_ms, then event ID.

`weight` is the weight of the event type, less returns (`alsolike.events.returns`), float32.
"""

FEATURE_COLUMNS = ("event_type", "context")
"""Further columns of the interactions. Datasets of earlier versions lack both.

`context` is present only in shops that declare a context (`alsolike.events.context`).
"""

ITEM_COLUMNS = ("item_id", "properties")
"""Columns of the catalogue's items, one row per item. `properties` is a JSON object in a string."""

USER_COLUMNS = ("user_id", "properties")
"""Columns of the users with interactions and values for `properties`, one row per user.

`properties` has the declared columns of the types `popular_groups.GROUPING`.
"""


ACTION_COLUMNS = ("action_id", "properties")
"""Columns of the actions, one row per action. `properties` is a JSON object in a string."""

ACTION_INTERACTION_COLUMNS = ("profile_id", "action_id", "event_type", "event_time_ms")
"""Columns of interactions with actions, which are sorted by event_time_ms, then by the other columns.

The event types are `alsolike.events.interactions.ACTION_TYPES`.
"""

MAX_RESPONSES = 50_000
"""Maximum number of the latest logged responses that a training uses. A dataset may contain a few more."""

MAX_PLACES = 50
"""Maximum number of positions per logged response. Ranked items at later positions are ignored."""

IMPRESSION_COLUMNS = (
    "profile_id", "served_ms", "device", "item_ids", "scores", "places", "pairs",
    "outcome_item_ids", "outcome_types", "outcome_values",
)  # fmt: skip
"""Columns of logged responses with outcomes, one row per response, sorted by served_ms.

`device` is empty if unknown. `item_ids`, `scores` and `places` are the ranked items, the model's scores, and the
positions from 0. `pairs` are the first positions of pairs in random order. Each outcome has an item, a type
(`OUTCOMES`) and the sum of its event values.
"""

CLICK, PURCHASE = "click", "purchase"
OUTCOMES = (CLICK, PURCHASE)
_OUTCOME_OF = {"click": CLICK, "view": CLICK, "purchase": PURCHASE}


def outcome_type(event_type: str | None, *, configuration: Configuration) -> str | None:
    """Return the type of a response's outcome (`OUTCOMES`) for an event type; None if the event is not an outcome."""
    try:
        return None if event_type is None else _OUTCOME_OF.get(configuration.canonical_event_type(event_type))
    except UnknownEventType:
        return None


@dataclasses.dataclass(frozen=True, slots=True)
class DatasetManifest:
    """Manifest of a dataset: its size, parameters and origin.

    Attributes
    ----------
    dropped
        Number of excluded rows by reason, such as `duplicate_event` or `rare_item`.
    repeat_share
        Share of interactions whose user had an earlier interaction with the same item.
    lineage
        Partitions of the lake that were read.
    configuration_version
        Version of the configuration that determined weights and minimums; 0 for the built-in configuration.
    sampled_interactions
        Number of interactions in the file if it contains only a sample of users; None if it contains all users.
    reference
        Distributions of the last days, with which later days are compared; None in datasets of earlier versions.
    """

    dataset_id: str
    created_ms: int
    rows_read: int
    interactions: int
    users: int
    items: int
    catalogue_items: int
    dropped: Mapping[str, int]
    first_event_ms: int
    last_event_ms: int
    event_weights: Mapping[str, float]
    minimum_item_interactions: int
    minimum_user_interactions: int
    repeat_share: float
    lineage: tuple[str, ...]
    configuration_version: int = 0
    history_length: int = HISTORY_LENGTH
    sampled_interactions: int | None = None
    reference: Reference | None = None
    format_version: int = 1

    def to_json(self) -> bytes:
        return orjson.dumps(self, default=dict, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS)

    @classmethod
    def from_json(cls, data: bytes) -> DatasetManifest:
        try:
            document: dict[str, Any] = orjson.loads(data)
        except orjson.JSONDecodeError as error:
            raise InvalidDataset(f"{MANIFEST_FILE} is not JSON: {error}") from error
        version = document.get("format_version") if isinstance(document, dict) else None
        if version != 1:
            raise InvalidDataset(f"{MANIFEST_FILE} has format_version {version!r}, expected 1")
        names = {field.name: field.default is dataclasses.MISSING for field in dataclasses.fields(cls)}
        if missing := {name for name, required in names.items() if required} - document.keys():
            raise InvalidDataset(f"{MANIFEST_FILE} misses {', '.join(sorted(missing))}")
        values = {name: document[name] for name in names if name in document}
        values["lineage"] = tuple(document["lineage"])
        if values.get("reference") is not None:
            try:
                values["reference"] = Reference.from_document(document["reference"])
            except (KeyError, TypeError, ValueError) as error:
                raise InvalidDataset(f"{MANIFEST_FILE} has an unreadable reference: {error}") from error
        return cls(**values)


def prefix(dataset_id: str) -> str:
    return f"{DATASETS_PREFIX}{dataset_id}/"
