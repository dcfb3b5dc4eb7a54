"""Construction of a training dataset on one machine."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor

import awswrangler as wr
import pandas as pd

from alsolike.catalogue.actions import ActionStore
from alsolike.catalogue.items import CatalogueStore
from alsolike.catalogue.users import UserStore
from alsolike.configuration.configuration import Configuration
from alsolike.events.interactions import profile_id
from alsolike.privacy.pseudonyms import Pseudonyms
from alsolike.privacy.tombstones import TombstoneReader
from alsolike.runtime.client_protocols import S3Client
from alsolike.runtime.s3 import S3Object
from alsolike.training import dataset
from alsolike.training.dataset import DatasetManifest
from functions.build_dataset.cleaning import clean, erased_profiles
from functions.build_dataset.dataset_rules import action_row, grouping_columns, item_row, user_row
from functions.build_dataset.description import EngineCounts, empty_lake, erased_meanwhile, manifest, nothing_left
from functions.build_dataset.drift_reference import reference
from functions.build_dataset.impressions import write_impressions
from functions.build_dataset.lake_reader import read_lake


def build_dataset(
    run_id: str,
    *,
    started_ms: int,
    client: S3Client,
    lake_bucket: str,
    artefact_bucket: str,
    catalogue: CatalogueStore,
    users: UserStore,
    actions: ActionStore,
    configuration: Configuration,
    tombstones: TombstoneReader,
    pseudonyms: Callable[[], Pseudonyms],
    now_ms: int,
) -> DatasetManifest:
    """Write the dataset of a run, its manifest last.

    awswrangler writes with its own client. `client` reads, and writes the impressions and the manifest. Raise
    `InvalidDataset` if no interaction exists or remains, an object does not have the types of its table, or a user in
    the dataset was erased during the call.
    """
    with ThreadPoolExecutor(1, "catalogue") as pool:
        # Scanning DynamoDB overlaps with reading and cleaning the lake's rows.
        scanning = pool.submit(_items, catalogue)
        rows, partitions = read_lake(client, lake_bucket, context=configuration.context)
        if not partitions:
            raise empty_lake(lake_bucket)
        interactions = clean(rows, configuration, erased=functools.partial(tombstones.erased, now_ms=now_ms))
        frame = interactions.frame
        if frame.empty:
            raise nothing_left(len(rows), interactions.dropped, configuration)
        items = scanning.result()
    user_rows = _users(users, configuration, profiles=set(frame["profile_id"].unique()))
    named = pd.concat([frame["profile_id"], interactions.actions["profile_id"]])
    _check_no_user_erased(named, tombstones, now_ms=now_ms)
    counts = EngineCounts(
        rows_read=len(rows),
        interactions=len(frame),
        users=frame["profile_id"].nunique(),
        items=frame["item_id"].nunique(),
        repeats=interactions.repeats,
        first_event_ms=int(frame["event_time_ms"].iloc[0]),
        last_event_ms=int(frame["event_time_ms"].iloc[-1]),
        dropped=interactions.dropped,
    )
    del rows  # Frees memory for the recommendation log.
    limits = configuration.limits
    described = manifest(
        run_id,
        counts,
        configuration,
        started_ms=started_ms,
        catalogue_items=len(items),
        lineage=partitions,
        reference=reference(
            frame,
            items,
            minimum_user_interactions=limits.minimum_user_interactions,
            history_length=limits.history_length,
        ),
    )
    s3_uri = f"s3://{artefact_bucket}/{dataset.prefix(run_id)}"
    wr.s3.to_parquet(
        frame,
        f"{s3_uri}{dataset.INTERACTIONS_FILE}",
        dtype={
            "profile_id": "string",
            "item_id": "string",
            "event_time_ms": "bigint",
            "weight": "float",
            **{name: "string" for name in dataset.FEATURE_COLUMNS if name in frame},
        },
    )
    wr.s3.to_parquet(items, f"{s3_uri}{dataset.ITEMS_FILE}", dtype={"item_id": "string", "properties": "string"})
    wr.s3.to_parquet(user_rows, f"{s3_uri}{dataset.USERS_FILE}", dtype={"user_id": "string", "properties": "string"})
    if len(interactions.actions):
        wr.s3.to_parquet(
            interactions.actions,
            f"{s3_uri}{dataset.ACTION_INTERACTIONS_FILE}",
            dtype={"profile_id": "string", "action_id": "string", "event_type": "string", "event_time_ms": "bigint"},
        )
        wr.s3.to_parquet(
            _actions(actions), f"{s3_uri}{dataset.ACTIONS_FILE}", dtype={"action_id": "string", "properties": "string"}
        )
    write_impressions(
        client,
        lake_bucket,
        S3Object(client, artefact_bucket, f"{dataset.prefix(run_id)}{dataset.IMPRESSIONS_FILE}"),
        profiles=lambda: frame["profile_id"].unique(),
        configuration=configuration,
        pseudonyms=pseudonyms,
    )
    S3Object(client, artefact_bucket, f"{dataset.prefix(run_id)}{dataset.MANIFEST_FILE}").write(described.to_json())
    return described


def _check_no_user_erased(profiles: pd.Series[str], tombstones: TombstoneReader, *, now_ms: int) -> None:
    """Raise an error if a user in the dataset has been erased, using current tombstones."""
    tombstones.refresh(now_ms=now_ms)
    erased_ids = erased_profiles(profiles, functools.partial(tombstones.erased, now_ms=now_ms))
    if erased_ids:
        raise erased_meanwhile(len(erased_ids))


def _actions(actions: ActionStore) -> pd.DataFrame:
    return pd.DataFrame(map(action_row, actions.all()), columns=list(dataset.ACTION_COLUMNS), dtype=object)


def _items(catalogue: CatalogueStore) -> pd.DataFrame:
    return pd.DataFrame(sorted(map(item_row, catalogue.scan())), columns=list(dataset.ITEM_COLUMNS), dtype=object)


def _users(users: UserStore, configuration: Configuration, *, profiles: Collection[str]) -> pd.DataFrame:
    """Return the users with interactions and a value in a grouping column, sorted by ID."""
    columns = grouping_columns(configuration)
    rows = []
    for user in users.scan() if columns else ():
        row = user_row(user, columns)
        if row is not None and profile_id(user_id=user.user_id, session_id=None) in profiles:
            rows.append(row)
    return pd.DataFrame(sorted(rows), columns=list(dataset.USER_COLUMNS), dtype=object)
