"""Training statistics on Spark: interactions aggregated to item-to-item matrices that fit on one machine.

Pairs are aggregated by source and target before the shuffle, so that a popular item is spread over the workers. The
interactions of a user are processed in one task, which sorts them on disk if they do not fit into memory.
"""

from __future__ import annotations

import dataclasses

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F  # noqa: N812

from alsolike.declarations.times import DAY_MS
from alsolike.training.dataset import MIN_TEST_USERS, START_QUANTILE, holdout_ms
from alsolike.training.statistics import (
    GRAM,
    ITEM_STATISTICS,
    ITEMS,
    PAIR_COLUMNS,
    STATISTICS,
    TRANSITIONS,
    WEIGHTS,
    Counting,
    StatisticsManifest,
    directory,
)
from functions.build_dataset.dataset_rules import ORDER
from functions.build_dataset.spark_dataset import write_parquet

_QUANTILE_ERROR = 0.01
"""Maximum rank error of a quantile of event times, as a share of the interactions."""
_MAX_SKIPPED = 3
"""Maximum number of windows that are skipped because they have too few users."""


def moments(
    interactions: DataFrame, counting: Counting, *, last_ms: int, champion_ms: int | None
) -> StatisticsManifest:
    """Return the manifest with the cutoffs up to which interactions are counted; see `StatisticsManifest.of`."""
    start_ms = _quantile_ms(interactions, START_QUANTILE)
    manifest = StatisticsManifest.of(
        counting,
        start_ms=start_ms,
        tested_ms=_end_of_window(interactions, start_ms, last_ms),
        last_ms=last_ms,
        champion_ms=champion_ms,
    )
    if manifest.since_ms is None:
        return manifest
    later = interactions.where(F.col("event_time_ms") > manifest.since_ms)
    return dataclasses.replace(manifest, half_ms=_quantile_ms(later, 0.5))


def _end_of_window(interactions: DataFrame, start_ms: int, last_ms: int) -> int:
    """Return the end of the latest window in which enough users have earlier interactions, else `last_ms`.

    Each skipped window requires a scan of the interactions, so at most `_MAX_SKIPPED` windows are skipped.
    """
    time, end_ms = F.col("event_time_ms"), last_ms
    for _ in range(_MAX_SKIPPED + 1):
        begin_ms = end_ms - holdout_ms(start_ms, end_ms)
        users = (
            interactions.where(time <= end_ms)
            .groupBy("profile_id")
            .agg(F.min(time).alias("first"), F.max(time).alias("last"))
        )
        test_users = users.where((F.col("first") <= begin_ms) & (F.col("last") > begin_ms))
        if test_users.limit(MIN_TEST_USERS).count() == MIN_TEST_USERS:
            return end_ms
        (before_ms,) = interactions.where(time <= begin_ms).agg(F.max(time)).first() or (None,)
        if before_ms is None or begin_ms == end_ms:
            break
        end_ms = int(before_ms)
    return last_ms


def _quantile_ms(interactions: DataFrame, quantile: float) -> int:
    (quantile_ms,) = interactions.approxQuantile("event_time_ms", [quantile], _QUANTILE_ERROR)
    return int(quantile_ms)


def write_statistics(interactions: DataFrame, dataset_uri: str, manifest: StatisticsManifest) -> None:
    """Write the statistics of a dataset without their manifest. A repeated call overwrites them."""
    for moment_ms in manifest.moments:
        until = interactions.where(F.col("event_time_ms") <= moment_ms)
        items, transitions, gram = statistics(until, manifest.counting, now_ms=moment_ms)
        for name, frame in ((ITEMS, items), (TRANSITIONS, transitions), (GRAM, gram)):
            write_parquet(frame, f"{dataset_uri}{STATISTICS}{directory(moment_ms)}{name}")


def statistics(interactions: DataFrame, counting: Counting, *, now_ms: int) -> tuple[DataFrame, DataFrame, DataFrame]:
    """Return three tables: `ITEM_STATISTICS` per item, and `PAIR_COLUMNS` of the transitions and of the Gram matrix.

    Weights decay with the age at `now_ms`, the cutoff of the interactions.
    """
    items = _positions(interactions, now_ms=now_ms).persist()
    in_order = Window.partitionBy("profile_id").orderBy(*ORDER)
    placed = (
        interactions.join(F.broadcast(items.select("item_id", F.col("position").alias("item"))), "item_id")
        .withColumn("place", F.row_number().over(in_order) - 1)
        .select("profile_id", "place", "item", "weight")
        .persist()
    )
    followed = _transitions(placed, counting).persist()
    sums = followed.groupBy("source").agg(F.sum("value").alias("transitions"))
    together, sessions = _together(placed, counting)
    item_sums = (
        items.join(sums, F.col("position") == F.col("source"), "left")
        .join(sessions.withColumnRenamed("item", "of"), F.col("position") == F.col("of"))
        .fillna(0.0, ["transitions"])
        .select(*ITEM_STATISTICS)
    )
    transitions = _strongest(followed, F.col("value"), counting.maximum)
    return item_sums, transitions, _gram(together, sessions, counting)


def _positions(interactions: DataFrame, *, now_ms: int) -> DataFrame:
    weight, age_days = F.col("weight").cast("double"), (F.lit(now_ms) - F.col("event_time_ms")) / DAY_MS
    weights = (F.sum(weight * F.pow(F.lit(0.5), age_days / days)).alias(name) for name, days in WEIGHTS.items())
    counts = interactions.groupBy("item_id").agg(F.count("*").alias("interactions"), *weights)
    # One task numbers all items, which are few compared with interactions.
    order = Window.orderBy(F.col("interactions").desc(), "item_id")
    return counts.withColumn("position", F.row_number().over(order))


def _transitions(placed: DataFrame, counting: Counting) -> DataFrame:
    """Return the weights of pairs of items that are at most `counting.max_gap` places apart in a user's history.

    A weight decays with this distance.

    If `counting.backward` is not 0, pairs also count in the opposite direction, multiplied by this factor.
    """
    later = Window.partitionBy("profile_id").orderBy("place").rowsBetween(1, counting.max_gap)
    following = placed.select("item", F.collect_list(F.struct("item", "weight")).over(later).alias("following"))
    pairs = following.select("item", F.posexplode("following").alias("gap", "later")).select(
        F.col("item").alias("source"),
        F.col("later.item").alias("target"),
        (F.pow(F.lit(counting.gap_decay), F.col("gap")) * F.col("later.weight").cast("double")).alias("value"),
    )
    pairs = pairs.groupBy("source", "target").agg(F.sum("value").alias("value"))
    if not counting.backward:
        return pairs
    back = pairs.select(
        F.col("target").alias("source"),
        F.col("source").alias("target"),
        (F.col("value") * counting.backward).alias("value"),
    )
    return pairs.unionByName(back).groupBy("source", "target").agg(F.sum("value").alias("value"))


def _together(placed: DataFrame, counting: Counting) -> tuple[DataFrame, DataFrame]:
    """Return the number of sessions per pair of items, lower position first, and per item."""
    session = F.floor(F.col("place") / counting.session).alias("session")
    sets = (
        placed.groupBy("profile_id", session).agg(F.sort_array(F.collect_set("item")).alias("items")).select("items")
    ).persist()
    sessions = sets.select(F.explode("items").alias("item")).groupBy("item").agg(F.count("*").alias("sessions"))
    pairs = (
        sets.select("items", F.posexplode("items").alias("number", "source"))
        .select("source", F.explode(F.expr("slice(items, number + 2, size(items))")).alias("target"))
        .groupBy("source", "target")
        .agg(F.count("*").cast("double").alias("value"))
    )
    return pairs, sessions


def _gram(together: DataFrame, sessions: DataFrame, counting: Counting) -> DataFrame:
    both = together.unionByName(
        together.select(F.col("target").alias("source"), F.col("source").alias("target"), "value")
    )
    source_sessions = F.broadcast(sessions.select(F.col("item").alias("source"), F.col("sessions").alias("of_source")))
    target_sessions = F.broadcast(sessions.select(F.col("item").alias("target"), F.col("sessions").alias("of_target")))
    cosine = F.col("value") / (F.sqrt(F.col("of_source") * F.col("of_target")) + counting.shrink)
    return _strongest(both.join(source_sessions, "source").join(target_sessions, "target"), cosine, counting.maximum)


def _strongest(pairs: DataFrame, strength: Column, maximum: int) -> DataFrame:
    """Keep the `maximum` strongest targets per source, and the source itself. Ties are broken by the lower position."""
    itself = F.col("source") == F.col("target")
    rank = Window.partitionBy("source", itself).orderBy(strength.desc(), "target")
    return pairs.withColumn("rank", F.row_number().over(rank)).where(F.col("rank") <= maximum).select(*PAIR_COLUMNS)
