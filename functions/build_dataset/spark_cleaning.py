"""`cleaning` on Spark, with the same rules, for a lake that is too large for one process.

The driver receives no data that grows with users or interactions. Interactions are shuffled by event ID, by session, or
by the pair of user and item. Therefore, the interactions of a very active user or popular item are spread over workers.
"""

from __future__ import annotations

import dataclasses
from functools import reduce
from operator import attrgetter

import numpy as np
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812
from pyspark.sql.types import ArrayType, BooleanType, DoubleType

from alsolike.configuration.configuration import Configuration, EventType
from alsolike.events.action_events import action_events
from alsolike.events.interactions import ACTION_TYPES, SESSION_PREFIX, USER_PREFIX
from alsolike.events.returns import net_weights
from alsolike.lake.agents import AGENT
from alsolike.privacy.tombstones import IsErased
from alsolike.records.interaction import COPY_KEY, COPY_ORDER, INTERACTIONS_COLUMNS
from alsolike.training.dataset import ACTION_INTERACTION_COLUMNS, FEATURE_COLUMNS, INTERACTION_COLUMNS
from functions.build_dataset.dataset_rules import (
    ACTION,
    CONTEXT,
    LAKE_COLUMNS,
    ORDER,
    canonical_types,
    minimums,
    names_erased,
)
from functions.build_dataset.description import EngineCounts

PAIR = ("profile_id", "item_id")


@dataclasses.dataclass(frozen=True, slots=True)
class CleanInteractions:
    """Selected interactions, unsorted, and counts of dropped rows.

    `pairs` has one row per user and item. `actions` are users' interactions with actions, unsorted; None if no event
    has a type of `ACTION_TYPES`.
    """

    frame: DataFrame
    pairs: DataFrame
    actions: DataFrame | None
    counts: EngineCounts


def lake_schema() -> str:
    """Return the Spark schema of `LAKE_COLUMNS`, properties and `AGENT`. A column that an object lacks is null."""
    return ", ".join(f"{name} {INTERACTIONS_COLUMNS[name]}" for name in (*LAKE_COLUMNS, "properties", AGENT))


def clean(rows: DataFrame, configuration: Configuration, *, erased: IsErased | None = None) -> CleanInteractions:
    """Clean interactions by the rules of `cleaning.clean`.

    `erased` must be serialisable for the workers. None if no user is erased.
    """
    distinct_rows = _distinct(rows).persist()
    names = [row[0] for row in distinct_rows.select("event_type").distinct().collect() if row[0] is not None]
    owned = _owned(distinct_rows)
    marked = _marked(owned, canonical_types(names, configuration), erased).persist()
    counts = {
        row["reason"]: row
        for row in marked.groupBy("reason")
        .agg(F.count("*").alias("events"), F.sum("copies").alias("copies"), F.min("weight").alias("least"))
        .collect()
    }
    distinct_rows.unpersist()
    weighted = marked.where(F.col("reason").isNull()).select("event_id", *INTERACTION_COLUMNS, *FEATURE_COLUMNS)
    has_returns = None in counts and counts[None]["least"] < 0
    counted = _without_returns(weighted).persist() if has_returns else weighted
    pairs = counted.groupBy(*PAIR).agg(
        F.count("*").alias("interactions"),
        F.min("event_time_ms").alias("first_event_ms"),
        F.max("event_time_ms").alias("last_event_ms"),
    )
    pairs = pairs.localCheckpoint()
    before = total_interactions(pairs)
    if has_returns:
        marked.unpersist()
    kept, few = _minimums(pairs, configuration)
    totals = kept.agg(
        F.sum("interactions").alias("interactions"),
        F.count("*").alias("pairs"),
        F.countDistinct("profile_id").alias("users"),
        F.countDistinct("item_id").alias("items"),
        F.min("first_event_ms").alias("first_event_ms"),
        F.max("last_event_ms").alias("last_event_ms"),
    ).first()
    assert totals is not None  # An aggregate without groups has one row.
    events = {reason: row["events"] for reason, row in counts.items()}
    rows_read = sum(row["copies"] for row in counts.values())
    interactions = totals["interactions"] or 0
    return CleanInteractions(
        frame=counted.join(kept.select(*PAIR), [*PAIR], "left_semi") if any(few.values()) else counted,
        pairs=kept,
        actions=_actions(owned, erased) if {*names} & {*ACTION_TYPES} else None,
        counts=EngineCounts(
            rows_read=rows_read,
            interactions=interactions,
            users=totals["users"],
            items=totals["items"],
            repeats=interactions - totals["pairs"],
            first_event_ms=totals["first_event_ms"] or 0,
            last_event_ms=totals["last_event_ms"] or 0,
            dropped={
                "duplicate_event": rows_read - sum(events.values()),
                **{reason: events.get(reason, 0) for reason in _MARKS},
                "taken_back": events.get(None, 0) - before,
                **few,
            },
        ),
    )


def erased_profiles(profiles: DataFrame, erased: IsErased) -> DataFrame:
    is_erased = F.udf(lambda profile: names_erased(profile, erased), BooleanType())
    return profiles.select("profile_id").distinct().where(is_erased("profile_id"))


def _distinct(rows: DataFrame) -> DataFrame:
    """Return one copy of each event, and the number of its copies.

    An aggregation, unlike a window, lets each worker combine the copies of an event before the shuffle.
    """
    # The minimum struct is the first by `COPY_ORDER`. Spark sorts null first, so a flag before each column sorts null
    # last.
    read = [*(name for name in COPY_ORDER if name in LAKE_COLUMNS), ACTION, CONTEXT]
    order = [column for name in read for column in (F.isnull(name).alias(f"no_{name}"), F.col(name))]
    minimum_copy = rows.groupBy(*map(F.expr, COPY_KEY)).agg(
        F.min(F.struct(*order)).alias("copy"), F.count("*").alias("copies")
    )
    kept = [name for name in read if name != "received_time_ms"]
    return minimum_copy.select("event_id", *(F.col(f"copy.{name}").alias(name) for name in kept), "copies")


def _owned(events: DataFrame) -> DataFrame:
    """Add profile_id by the rules of `identity.owners`."""
    known = events.where(F.col("user_id").isNotNull())
    anonymous = events.where(F.col("user_id").isNull())
    login = F.min(F.struct("event_time_ms", "event_id", "user_id")).alias("login")
    logins = known.where(F.col("session_id").isNotNull()).groupBy("session_id").agg(login)
    joined = anonymous.join(logins, "session_id", "left")
    belongs_to_user = F.col("event_time_ms") <= F.col("login.event_time_ms")
    own = F.concat(F.lit(SESSION_PREFIX), "session_id")
    profile = F.when(belongs_to_user, F.concat(F.lit(USER_PREFIX), "login.user_id")).otherwise(own)
    columns = ["event_id", "item_id", "event_type", "event_time_ms", ACTION, CONTEXT, "copies", "profile_id"]
    return (
        known.withColumn("profile_id", F.concat(F.lit(USER_PREFIX), "user_id"))
        .select(columns)
        .unionByName(joined.withColumn("profile_id", profile).select(columns))
    )


_MARKS = ("erased_user", "no_item", "unknown_event_type", "no_weight")


def _marked(events: DataFrame, types: dict[str, EventType], erased: IsErased | None) -> DataFrame:
    """Return events with weight, canonical type and the first reason for dropping them. Kept events have no reason."""
    is_erased: Column = F.lit(False)
    if erased is not None:
        # The erased profiles are broadcast, because there are at most as many as tombstones.
        erased_owners = F.broadcast(erased_profiles(events, erased).withColumn("erased", F.lit(True)))
        events = events.join(erased_owners, "profile_id", "left")
        is_erased = F.col("erased").isNotNull()
    weight, name = (
        reduce(
            lambda otherwise, stored_type: F.when(
                F.col("event_type") == stored_type, F.lit(value_of(types[stored_type]))
            ).otherwise(otherwise),
            types,
            F.lit(None).cast(kind),
        )
        for value_of, kind in ((attrgetter("weight"), "float"), (attrgetter("name"), "string"))
    )
    events = events.withColumn("weight", weight.cast("float")).withColumn("event_type", name)
    conditions = (is_erased, F.isnull("item_id"), F.isnull("weight"), F.col("weight") == 0)
    reason = F.coalesce(*(F.when(met, F.lit(mark)) for met, mark in zip(conditions, _MARKS, strict=True)))
    return events.withColumn("reason", reason).drop("erased", ACTION)


def _actions(events: DataFrame, erased: IsErased | None) -> DataFrame:
    """Return the events in users' interactions with actions, by the rules of `cleaning`."""
    own = events.where(F.col(ACTION).isNotNull() & F.col("profile_id").startswith(USER_PREFIX))
    if erased is not None:
        own = own.join(erased_profiles(own, erased), "profile_id", "left_anti")
    events_in = F.udf(action_events, "array<struct<event_time_ms: bigint, action_id: string, event_type: string>>")
    event = F.explode(events_in("event_time_ms", "event_type", ACTION)).alias("event")
    return own.select("profile_id", event).select("profile_id", "event.*").select(*ACTION_INTERACTION_COLUMNS)


def _without_returns(weighted: DataFrame) -> DataFrame:
    """Remove returned purchases by the rules of `cleaning`. Only pairs of user and item with a return are sorted.

    A task then holds the interactions of one user with one item in memory.
    """
    returned = weighted.where(F.col("weight") < 0).select(*PAIR).distinct()
    without_returns = weighted.join(returned, [*PAIR], "left_anti")
    in_order = F.sort_array(F.collect_list(F.struct(*ORDER, "weight", *FEATURE_COLUMNS))).alias("events")
    with_returns = weighted.join(returned, [*PAIR], "left_semi").groupBy(*PAIR).agg(in_order)
    remaining = F.udf(_remaining_weights, ArrayType(DoubleType()))
    event = F.explode(F.arrays_zip("events", remaining("events.weight").alias("left"))).alias("each")
    fields = [F.col(f"each.events.{name}").alias(name) for name in (*ORDER, *FEATURE_COLUMNS) if name not in PAIR]
    rest = with_returns.select(*PAIR, event).where(F.col("each.left") > 0)
    rest = rest.select(*PAIR, *fields, F.col("each.left").cast("float").alias("weight"))
    return without_returns.unionByName(rest)


def _remaining_weights(weight: list[float]) -> list[float]:
    remaining: list[float] = net_weights(np.zeros(len(weight), np.int64), np.asarray(weight, np.float32)).tolist()
    return remaining


def _minimums(pairs: DataFrame, configuration: Configuration) -> tuple[DataFrame, dict[str, int]]:
    """Apply the minimums by the rules of `cleaning`. Return the kept pairs, and the dropped interactions by reason.

    This function reads only the counts per pair, not the rows.
    """
    dropped = dict.fromkeys((minimum.reason for minimum in minimums(configuration)), 0)
    while True:
        before = sum(dropped.values())
        for minimum in minimums(configuration):
            if minimum.count <= 1:  # No count is lower.
                continue
            total = F.sum("interactions").alias("interactions")
            few = (
                pairs.groupBy(minimum.column).agg(total).where(F.col("interactions") < minimum.count).localCheckpoint()
            )
            if count := total_interactions(few):
                dropped[minimum.reason] += count
                pairs = pairs.join(few.select(minimum.column), minimum.column, "left_anti").localCheckpoint()
        if sum(dropped.values()) == before:
            return pairs, dropped


def total_interactions(pairs: DataFrame) -> int:
    total = pairs.agg(F.sum("interactions")).first()
    return 0 if total is None else total[0] or 0
