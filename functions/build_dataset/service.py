"""Building a training dataset from the lake and the catalogue."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Collection
from typing import Any

import awswrangler as wr
import orjson
import pandas as pd

from alsolike import lake
from alsolike.catalog import CatalogueStore
from alsolike.column_values import as_declared
from alsolike.configuration import Configuration
from alsolike.dataset import (
    INTERACTIONS_FILE,
    ITEM_COLUMNS,
    ITEMS_FILE,
    MANIFEST_FILE,
    USER_COLUMNS,
    USERS_FILE,
    DatasetManifest,
    prefix,
)
from alsolike.errors import InvalidDataset
from alsolike.interactions import profile_id
from alsolike.popular_groups import GROUPING
from alsolike.tombstones import TombstoneReader
from alsolike.users import UserStore
from functions.build_dataset.cleaning import LAKE_COLUMNS, clean, erased_profiles
from functions.build_dataset.lake_reader import read_lake
from functions.build_dataset.reference import reference


@dataclasses.dataclass(frozen=True, slots=True)
class Dataset:
    """A dataset that was written; its training job reads all objects below `s3_uri`."""

    s3_uri: str
    manifest: DatasetManifest


def build_dataset(
    run_id: str,
    *,
    started_ms: int,
    client: Any,
    lake_bucket: str,
    artefact_bucket: str,
    catalogue: CatalogueStore,
    users: UserStore,
    configuration: Configuration,
    tombstones: TombstoneReader,
    now_ms: int,
) -> Dataset:
    """Write the dataset of a run, its manifest last; the same lake and configuration give the same files.

    Parameters
    ----------
    client
        A low-level S3 client; for what is written awswrangler brings its own.

    Raises
    ------
    InvalidDataset
        If no interaction is in the lake or none is left, or somebody in the dataset has been erased by now.
    """
    rows, partitions = read_lake(client, lake_bucket, columns=LAKE_COLUMNS)
    if not partitions:
        raise InvalidDataset(f"s3://{lake_bucket}/{lake.INTERACTIONS_PREFIX} holds no interactions to train on")
    interactions = clean(rows, configuration, erased=functools.partial(tombstones.erased, now_ms=now_ms))
    limits = configuration.limits
    frame = interactions.frame
    if frame.empty:
        raise InvalidDataset(
            f"none of {len(rows)} interactions is left to train on: dropped {dict(interactions.dropped)}, "
            f"an item needs {limits.minimum_item_interactions} interactions "
            f"and a user {limits.minimum_user_interactions}"
        )
    items = _items(catalogue)
    of_users = _users(users, configuration, profiles=set(frame["profile_id"]))
    _check_nobody_erased(frame, tombstones, now_ms=now_ms)
    manifest = DatasetManifest(
        dataset_id=run_id,
        created_ms=started_ms,
        rows_read=len(rows),
        interactions=len(frame),
        users=frame["profile_id"].nunique(),
        items=frame["item_id"].nunique(),
        catalogue_items=len(items),
        dropped=interactions.dropped,
        first_event_ms=int(frame["event_time_ms"].iloc[0]),
        last_event_ms=int(frame["event_time_ms"].iloc[-1]),
        event_weights=configuration.event_weights,
        minimum_item_interactions=limits.minimum_item_interactions,
        minimum_user_interactions=limits.minimum_user_interactions,
        repeat_share=interactions.repeat_share,
        configuration_version=configuration.version,
        history_length=limits.history_length,
        lineage=partitions,
        reference=reference(
            frame,
            items,
            minimum_user_interactions=limits.minimum_user_interactions,
            history_length=limits.history_length,
        ),
    )
    s3_uri = f"s3://{artefact_bucket}/{prefix(run_id)}"
    wr.s3.to_parquet(
        frame,
        f"{s3_uri}{INTERACTIONS_FILE}",
        dtype={"profile_id": "string", "item_id": "string", "event_time_ms": "bigint", "weight": "float"},
    )
    wr.s3.to_parquet(items, f"{s3_uri}{ITEMS_FILE}", dtype={"item_id": "string", "properties": "string"})
    wr.s3.to_parquet(of_users, f"{s3_uri}{USERS_FILE}", dtype={"user_id": "string", "properties": "string"})
    client.put_object(
        Bucket=artefact_bucket,
        Key=f"{prefix(run_id)}{MANIFEST_FILE}",
        Body=manifest.to_json(),
        ContentType="application/json",
    )
    return Dataset(s3_uri, manifest)


def _check_nobody_erased(frame: pd.DataFrame, tombstones: TombstoneReader, *, now_ms: int) -> None:
    """Look at the tombstones as they are now, and at the dataset as it will be: no model may learn from the erased."""
    tombstones.refresh(now_ms=now_ms)
    found = erased_profiles(frame["profile_id"], functools.partial(tombstones.erased, now_ms=now_ms))
    if found:
        raise InvalidDataset(
            f"{len(found)} of the users in the dataset are erased, expected none: they were erased while it was built; "
            "build it again"
        )


def _items(catalogue: CatalogueStore) -> pd.DataFrame:
    """Return the whole catalogue, by item id: also items without interactions have a title and can be filtered."""
    rows = sorted((item.item_id, orjson.dumps(dict(item.properties)).decode()) for item in catalogue.scan())
    return pd.DataFrame(rows, columns=list(ITEM_COLUMNS), dtype=object)


def _users(users: UserStore, configuration: Configuration, *, profiles: Collection[str]) -> pd.DataFrame:
    """Return the users with interactions, by id: of their columns those that make groups, and no others."""
    columns = {name: type_ for name, type_ in configuration.user_columns.items() if type_ in GROUPING}
    rows = []
    for user in users.scan() if columns else ():
        known = {name: value for name, value in user.properties.items() if name in columns}
        if known and profile_id(user_id=user.user_id, session_id=None) in profiles:
            rows.append((user.user_id, orjson.dumps(as_declared(known, columns)).decode()))
    return pd.DataFrame(sorted(rows), columns=list(USER_COLUMNS), dtype=object)
