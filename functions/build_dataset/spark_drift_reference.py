"""`drift_reference` on Spark, from counts by item and by user."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from typing import Any

import orjson
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F  # noqa: N812

from alsolike.configuration.configuration import Limits
from alsolike.declarations.times import DAY_MS
from alsolike.training.drift_reference import (
    MAX_EXAMINED_ITEMS,
    ItemCount,
    Reference,
    category_column,
    category_of,
    ranked,
    reference_of,
)
from alsolike.training.stability_index import WINDOW_DAYS
from functions.build_dataset.spark_cleaning import PAIR, CleanInteractions


def reference(spark: SparkSession, interactions: CleanInteractions, items: DataFrame, *, limits: Limits) -> Reference:
    """Return the reference distributions of a dataset.

    The driver receives counts, the properties of at most `MAX_EXAMINED_ITEMS` items, and a category per item.
    """
    since_ms = interactions.counts.last_event_ms - WINDOW_DAYS * DAY_MS
    frame = interactions.frame.where(F.col("event_time_ms") > since_ms)
    days = frame.groupBy(F.floor(F.col("event_time_ms") / DAY_MS)).count().collect()
    recent = frame.groupBy(*PAIR).agg(F.count("*").alias("recent")).persist()
    activity = recent.groupBy("profile_id").agg(F.sum("recent").alias("activity"))
    active = activity.where(F.col("activity") >= limits.minimum_user_interactions).persist()
    histories = interactions.pairs.join(active, "profile_id", "left_semi").groupBy("profile_id")
    lengths = histories.agg(F.sum("interactions").alias("length"))
    late = _by_item(recent.join(active, "profile_id", "left_semi"), "recent")
    counts = _by_item(interactions.pairs, "interactions")
    item_counts = ranked(ItemCount(item_id, count, late.get(item_id, 0)) for item_id, count in counts.items())
    column = category_column(_properties(spark, items, [item.item_id for item in item_counts[:MAX_EXAMINED_ITEMS]]))
    types = frame.join(active, "profile_id", "left_semi").groupBy("event_type").count().collect()
    distributions = reference_of(
        item_counts,
        activity=_frequencies(active, "activity"),
        lengths=_frequencies(lengths, "length"),
        history_length=limits.history_length,
        column=column,
        values={} if column is None else dict(items.rdd.mapPartitions(functools.partial(_values, column)).collect()),
        event_types={row[0]: row[1] for row in types},
        days={int(row[0]): row[1] for row in days},
    )
    active.unpersist()
    recent.unpersist()
    return distributions


def _by_item(pairs: DataFrame, number: str) -> dict[str, int]:
    return {row[0]: row[1] for row in pairs.groupBy("item_id").agg(F.sum(number)).collect()}


def _frequencies(users: DataFrame, number: str) -> dict[int, int]:
    return {row[0]: row[1] for row in users.groupBy(number).count().collect()}


def _properties(spark: SparkSession, items: DataFrame, item_ids: list[str]) -> list[dict[str, Any]]:
    requested = spark.createDataFrame([(item_id,) for item_id in item_ids], "item_id string")
    return [
        orjson.loads(row["properties"]) for row in items.join(F.broadcast(requested), "item_id", "left_semi").collect()
    ]


def _values(column: str, rows: Iterable[Row]) -> Iterator[tuple[str, str | None]]:
    return ((row["item_id"], category_of(orjson.loads(row["properties"]).get(column))) for row in rows)
