"""The manifest of a dataset, and the errors of datasets that cannot be built."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from alsolike.declarations.storage import INTERACTIONS_PREFIX
from alsolike.domain.configuration import Configuration
from alsolike.runtime.errors import InvalidDataset
from alsolike.training.dataset import DatasetManifest
from alsolike.training.reference import Reference


@dataclasses.dataclass(frozen=True, slots=True)
class EngineCounts:
    """An engine's counts.

    Attributes
    ----------
    repeats
        Interactions whose user had interacted with the same item before.
    dropped
        Rows left out, by reason.
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
    """Return the manifest of a dataset."""
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
    """Return the error of a lake without interactions."""
    return InvalidDataset(f"s3://{bucket}/{INTERACTIONS_PREFIX} holds no interactions to train on")


def nothing_left(rows_read: int, dropped: Mapping[str, int], configuration: Configuration) -> InvalidDataset:
    """Return the error of a lake of whose interactions none is left."""
    limits = configuration.limits
    return InvalidDataset(
        f"none of {rows_read} interactions is left to train on: dropped {dict(dropped)}, "
        f"an item needs {limits.minimum_item_interactions} interactions "
        f"and a user {limits.minimum_user_interactions}"
    )


def erased_meanwhile(users: int) -> InvalidDataset:
    """Return the error of a dataset that contains an erased user: no model may learn from it."""
    return InvalidDataset(
        f"{users} of the users in the dataset are erased, expected none: they were erased while it was built; "
        "build it again"
    )
