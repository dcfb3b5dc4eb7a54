"""A training dataset: its files, its columns, the manifest with its origin, and its test window."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import orjson

from alsolike.declarations.storage import DATASETS_PREFIX
from alsolike.domain.configuration import HISTORY_LENGTH
from alsolike.runtime.errors import InvalidDataset
from alsolike.training.reference import Reference

LONGEST_HOLDOUT_MS = 28 * 86_400_000
HOLDOUT_SHARE = 0.1
START_QUANTILE = 0.05
"""The time begins after the earliest twentieth of the interactions: a few ancient ones do not lengthen the window."""

MINIMUM_ASKED_USERS = 5
"""Minimum number of users with a past in a window that evaluates models."""


def holdout_ms(start_ms: int, last_ms: int) -> int:
    """Return 28 days or a tenth of the time of the interactions, whichever is shorter.

    Parameters
    ----------
    start_ms
        `START_QUANTILE` of the interactions are earlier.
    last_ms
        Time of the latest interaction.

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
"""Files that only datasets of shops with actions have."""
IMPRESSIONS_FILE = "impressions.parquet"
"""File that only datasets with logged responses that had outcomes have."""
MANIFEST_FILE = "manifest.json"
CHAMPION_FOLDER = "champion"
"""Folder of the champion's bundle at the time of the build, if there is one; the training compares with it."""

INTERACTION_COLUMNS = ("profile_id", "item_id", "event_time_ms", "weight")
"""Sorted by event_time_ms, then event id; weight is the event type's weight, float32."""

FEATURE_COLUMNS = ("event_type", "context")
"""Further columns of the interactions; only shops that declare a context have it (`alsolike.events.context`).

Datasets of earlier versions lack both.
"""

ITEM_COLUMNS = ("item_id", "properties")
"""One row an item of the catalogue; properties is a JSON object in a string."""

USER_COLUMNS = ("user_id", "properties")
"""One row a user with interactions; properties has the declared columns that make `popular_groups`, lists as such."""


ACTION_COLUMNS = ("action_id", "properties")
"""One row per action; properties is a JSON object in a string."""

ACTION_INTERACTION_COLUMNS = ("profile_id", "action_id", "event_type", "event_time_ms")
"""Sorted by event_time_ms, then the others; the event types are `alsolike.events.interactions.ACTION_TYPES`."""

MAX_RESPONSES = 50_000
"""Maximum number of logged responses, the latest."""

MAX_PLACES = 50
"""Ranked items of a logged response at later places are left out."""

IMPRESSION_COLUMNS = (
    "profile_id", "served_ms", "device", "item_ids", "scores", "places", "pairs",
    "outcome_item_ids", "outcome_types", "outcome_values",
)  # fmt: skip
"""One row per response with an outcome, sorted by served_ms: its device (empty if unknown), the ranked items with the
model's scores and places (from 0), the first places of pairs in random order, and its outcomes, each an item, one of
`OUTCOMES` and the sum of its event values.
"""

CLICK, PURCHASE = "click", "purchase"
OUTCOMES = (CLICK, PURCHASE)


@dataclasses.dataclass(frozen=True, slots=True)
class DatasetManifest:
    """The contents of a dataset, and the numbers of dropped rows by reason.

    Attributes
    ----------
    dropped
        Rows left out, by reason (`duplicate_event`, `no_item`, `unknown_event_type`, `no_weight`, `taken_back`,
        `rare_item`, `short_history`).
    first_event_ms, last_event_ms
        Time range of the kept interactions, epoch milliseconds.
    repeat_share
        Share of interactions whose user had interacted with the same item before.
    lineage
        Lake partitions that were read.
    configuration_version
        Version of the configuration with its weights and minimums; 0 is the built-in one.
    history_length
        Maximum number of a user's latest interactions that a model receives in serving.
    sampled_interactions
        Number of interactions in the file, from some users, if its statistics cover all; None if the file has all.
    reference
        Distributions of its last days, for comparison with later days; None in datasets of earlier versions.
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
        """Return the manifest as indented JSON."""
        return orjson.dumps(self, default=dict, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS)

    @classmethod
    def from_json(cls, data: bytes) -> DatasetManifest:
        """Read a manifest."""
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
    """Return the key prefix of a dataset in the artefact bucket."""
    return f"{DATASETS_PREFIX}{dataset_id}/"
