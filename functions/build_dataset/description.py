"""Manifest of a dataset, and errors for datasets that cannot be built."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from alsolike.configuration.configuration import Configuration
from alsolike.declarations.storage import INTERACTIONS_PREFIX
from alsolike.runtime.errors import InvalidDataset
from alsolike.training.dataset import DatasetManifest
from alsolike.training.drift_reference import Reference


@dataclasses.dataclass(frozen=True, slots=True)
class EngineCounts:
    """Counts of a dataset, from pandas or Spark.

    `repeats` is the number of interactions whose user had interacted with the same item before.
    """

    rows_read: int
    interactions: int
    users: int
    items: int
    repeats: int
    first_event_ms: int
    last_event_ms: int
    dropped: Mapping[str, int]


def manifest(
    dataset_id: str,
    counts: EngineCounts,
    configuration: Configuration,
    *,
    started_ms: int,
    catalogue_items: int,
    lineage: tuple[str, ...],
    reference: Reference | None = None,
    sampled_interactions: int | None = None,
) -> DatasetManifest:
    limits = configuration.limits
    return DatasetManifest(
        dataset_id=dataset_id,
        created_ms=started_ms,
        rows_read=counts.rows_read,
        interactions=counts.interactions,
        users=counts.users,
        items=counts.items,
        catalogue_items=catalogue_items,
        dropped=counts.dropped,
        first_event_ms=counts.first_event_ms,
        last_event_ms=counts.last_event_ms,
        event_weights=configuration.event_weights,
        minimum_item_interactions=limits.minimum_item_interactions,
        minimum_user_interactions=limits.minimum_user_interactions,
        repeat_share=counts.repeats / counts.interactions,
        configuration_version=configuration.version,
        history_length=limits.history_length,
        lineage=lineage,
        sampled_interactions=sampled_interactions,
        reference=reference,
    )


def empty_lake(bucket: str) -> InvalidDataset:
    return InvalidDataset(f"s3://{bucket}/{INTERACTIONS_PREFIX} holds no interactions to train on")


def nothing_left(rows_read: int, dropped: Mapping[str, int], configuration: Configuration) -> InvalidDataset:
    limits = configuration.limits
    return InvalidDataset(
        f"none of {rows_read} interactions is left to train on: dropped {dict(dropped)}, "
        f"an item needs {limits.minimum_item_interactions} interactions "
        f"and a user {limits.minimum_user_interactions}"
    )


def erased_meanwhile(users: int) -> InvalidDataset:
    """Return the error for a dataset with erased users. Models must not be trained on it."""
    return InvalidDataset(
        f"{users} of the users in the dataset are erased, expected none: they were erased while it was built; "
        "build it again"
    )
