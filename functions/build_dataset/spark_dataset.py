"""`service` on Spark: workers read the lake and the catalogue, and write the dataset."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator, Mapping, Sequence

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812

from alsolike.catalogue.actions import ActionStore
from alsolike.catalogue.items import CatalogueStore
from alsolike.catalogue.users import UserStore
from alsolike.configuration.configuration import ColumnType, Configuration
from alsolike.events.context import context_of
from alsolike.events.interactions import ACTION_TYPES, USER_PREFIX
from alsolike.lake.agents import AGENT
from alsolike.privacy.pseudonyms import pseudonyms_of
from alsolike.runtime.aws import client
from alsolike.training import dataset
from alsolike.training.dataset import DatasetManifest
from functions.build_dataset.dataset_rules import (
    ACTION,
    CONTEXT,
    LAKE_COLUMNS,
    ORDER,
    action_row,
    grouping_columns,
    item_row,
    user_row,
)
from functions.build_dataset.description import empty_lake, erased_meanwhile, manifest, nothing_left
from functions.build_dataset.settings import Settings
from functions.build_dataset.spark_cleaning import (
    CleanInteractions,
    clean,
    erased_profiles,
    lake_schema,
    total_interactions,
)
from functions.build_dataset.spark_drift_reference import reference

_SHARES = 10_000_000
"""Number of buckets of profile hashes. A sample contains the profiles of the first buckets."""


@dataclasses.dataclass(frozen=True, slots=True)
class SparkErasedUsers:
    """Serialisable check for erased users, by keyed hashes. Each worker reads the secret itself."""

    hashes: frozenset[str]
    secret_arn: str

    def __call__(self, user_id: str | None, session_id: str | None = None) -> bool:
        return (
            user_id is not None
            and pseudonyms_of(client("secretsmanager"), self.secret_arn).erased_user(user_id) in self.hashes
        )


@dataclasses.dataclass(frozen=True, slots=True)
class SparkDataset:
    """Dataset whose manifest is not yet written.

    `profiles` contains the users whose interactions are written.
    """

    interactions: CleanInteractions
    profiles: DataFrame
    manifest: DatasetManifest


def read_lake(spark: SparkSession, s3_uri: str, *, context: Sequence[str] = ()) -> DataFrame:
    """Return `LAKE_COLUMNS`, `ACTION` and `CONTEXT` of all objects in the table, without the rows of agents.

    Deleted objects are skipped. If `context` is empty, `CONTEXT` is null.
    """
    contexts = F.udf(functools.partial(context_of, columns=tuple(context)), "string")
    reader = spark.read.schema(lake_schema()).option("ignoreMissingFiles", "true")
    rows = reader.option("pathGlobFilter", "*.parquet").option("recursiveFileLookup", "true").parquet(s3_uri)
    return rows.where(F.isnull(AGENT)).select(
        *LAKE_COLUMNS,
        F.when(F.col("event_type").isin(*ACTION_TYPES), F.col("properties")).alias(ACTION),
        (contexts("properties") if context else F.lit(None).cast("string")).alias(CONTEXT),
    )


def build_dataset(
    spark: SparkSession,
    run_id: str,
    *,
    started_ms: int,
    lake_s3_uri: str,
    dataset_s3_uri: str,
    settings: Settings,
    actions: ActionStore,
    configuration: Configuration,
    lineage: tuple[str, ...],
    erased: SparkErasedUsers,
    max_interactions: int | None = None,
) -> SparkDataset:
    """Write the files of a dataset as directories of parts, without the manifest.

    A repeated call overwrites the files. Sorted by name, the parts of a file are in the order of its rows.
    `max_interactions` is approximate, because either all interactions of a user are written or none. The manifest
    describes all interactions. Raise `InvalidDataset` if no interaction exists or remains.
    """
    if not lineage:
        raise empty_lake(settings.lake_bucket)
    rows = read_lake(spark, lake_s3_uri, context=configuration.context)
    interactions = clean(rows, configuration, erased=erased if erased.hashes else None)
    counts = interactions.counts
    if not counts.interactions:
        raise nothing_left(counts.rows_read, counts.dropped, configuration)
    sampled = _is_sampled(counts.interactions, maximum=max_interactions)
    profiles = interactions.pairs.where(sampled).select("profile_id").distinct()
    items = _items(spark, settings.catalogue_table).persist()
    written = interactions.frame.where(sampled).orderBy(*ORDER)
    columns = [
        name
        for name in (*dataset.INTERACTION_COLUMNS, *dataset.FEATURE_COLUMNS)
        if name != CONTEXT or configuration.context
    ]
    write_parquet(written.select(*columns), f"{dataset_s3_uri}{dataset.INTERACTIONS_FILE}")
    write_parquet(items.orderBy("item_id"), f"{dataset_s3_uri}{dataset.ITEMS_FILE}")
    users = _users(spark, settings.users_table, grouping_columns(configuration), profiles=profiles)
    write_parquet(users.orderBy("user_id"), f"{dataset_s3_uri}{dataset.USERS_FILE}")
    if interactions.actions is not None:
        order = ("event_time_ms", "profile_id", "action_id", "event_type")
        write_parquet(interactions.actions.orderBy(*order), f"{dataset_s3_uri}{dataset.ACTION_INTERACTIONS_FILE}")
        rows = spark.createDataFrame(list(map(action_row, actions.all())), _types(dataset.ACTION_COLUMNS))
        write_parquet(rows.coalesce(1), f"{dataset_s3_uri}{dataset.ACTIONS_FILE}")
    return SparkDataset(
        interactions,
        profiles,
        manifest(
            run_id,
            counts,
            configuration,
            started_ms=started_ms,
            catalogue_items=items.count(),
            lineage=lineage,
            reference=reference(spark, interactions, items, limits=configuration.limits),
            sampled_interactions=None
            if max_interactions is None
            else total_interactions(interactions.pairs.where(sampled)),
        ),
    )


def _is_sampled(interactions: int, *, maximum: int | None) -> Column:
    """Return a mask of the profiles whose interactions are written.

    A hash of the profile decides, so either all interactions of a user are written or none.
    """
    share = 1.0 if maximum is None else min(1.0, maximum / interactions)
    return F.pmod(F.xxhash64("profile_id"), F.lit(_SHARES)) < round(share * _SHARES)


def check_no_user_erased(interactions: CleanInteractions, erased: SparkErasedUsers) -> None:
    """Raise `InvalidDataset` if a user in the dataset has been erased."""
    profiles = interactions.pairs.select("profile_id")
    if interactions.actions is not None:
        profiles = profiles.union(interactions.actions.select("profile_id"))
    if erased.hashes and (erased_count := erased_profiles(profiles, erased).count()):
        raise erased_meanwhile(erased_count)


def write_parquet(frame: DataFrame, s3_uri: str) -> None:
    """Write a directory of Parquet files, without Hadoop's empty file _SUCCESS: manifests mark complete datasets."""
    writer = frame.write.mode("overwrite").option("mapreduce.fileoutputcommitter.marksuccessfuljobs", "false")
    writer.option("compression", "snappy").parquet(s3_uri)


def _items(spark: SparkSession, table: str) -> DataFrame:
    """Return all items of the catalogue. The workers scan segments of the table concurrently."""
    segments = spark.sparkContext.defaultParallelism
    numbers = spark.sparkContext.parallelize(range(segments), segments)
    return spark.createDataFrame(
        numbers.flatMap(functools.partial(_item_rows, table, segments)), _types(dataset.ITEM_COLUMNS)
    )


def _item_rows(table: str, segments: int, segment: int) -> Iterator[tuple[str, str]]:
    store = CatalogueStore(client("dynamodb"), table)
    return map(item_row, store.scan(segment=segment, segments=segments))


def _users(spark: SparkSession, table: str, columns: Mapping[str, ColumnType], *, profiles: DataFrame) -> DataFrame:
    """Return the users with interactions and a value in `columns`. Workers scan segments of the table concurrently."""
    if not columns:
        return spark.createDataFrame([], _types(dataset.USER_COLUMNS))
    segments = spark.sparkContext.defaultParallelism
    numbers = spark.sparkContext.parallelize(range(segments), segments)
    rows = numbers.flatMap(functools.partial(_user_rows, table, dict(columns), segments))
    users = spark.createDataFrame(rows, _types(dataset.USER_COLUMNS))
    profile_id = F.concat(F.lit(USER_PREFIX), users["user_id"])
    return users.join(profiles, profile_id == profiles["profile_id"], "left_semi")


def _user_rows(table: str, columns: Mapping[str, ColumnType], segments: int, segment: int) -> Iterator[tuple[str, str]]:
    store = UserStore(client("dynamodb"), table)
    rows = (user_row(user, columns) for user in store.scan(segment=segment, segments=segments))
    return (row for row in rows if row is not None)


def _types(columns: tuple[str, ...]) -> str:
    return ", ".join(f"{name} string" for name in columns)
