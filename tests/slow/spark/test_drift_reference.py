"""Both engines compute the same reference of a dataset's last days."""

import json
import random

import pandas as pd

from alsolike.configuration.configuration import Configuration, Limits
from alsolike.declarations.times import DAY_MS
from functions.build_dataset import cleaning, spark_cleaning, spark_drift_reference
from functions.build_dataset.drift_reference import reference
from functions.build_dataset.spark_dataset import read_lake
from tests.slow.spark.lakes import SCHEMA, START_MS, event, read, write_object

CONFIGURATION = Configuration(
    limits=Limits(minimum_item_interactions=3, minimum_user_interactions=2, history_length=20)
)
KINDS = ("fruit|red", "tools", "fruit", "books")
ITEMS = [(f"i{n:02}", json.dumps({"category": KINDS[n % 4], "title": f"Item {n}"} if n % 7 else {})) for n in range(60)]


def both(spark, directory, items):
    frame: pd.DataFrame = read(directory).cast(SCHEMA).to_pandas(types_mapper=pd.ArrowDtype)
    limits = CONFIGURATION.limits
    local = reference(
        cleaning.clean(frame, CONFIGURATION).frame,
        pd.DataFrame(items, columns=["item_id", "properties"], dtype=object),
        minimum_user_interactions=limits.minimum_user_interactions,
        history_length=limits.history_length,
    )
    found = spark_cleaning.clean(read_lake(spark, f"file://{directory}"), CONFIGURATION)
    catalogue = spark.createDataFrame(items, "item_id string, properties string")
    return local, spark_drift_reference.reference(spark, found, catalogue, limits=limits)


def test_both_engines_have_the_same_reference_statistics(spark, tmp_path):
    chance = random.Random(3)
    rows = [
        event(
            f"e{number:05}",
            user=f"u{min(chance.randrange(90), chance.randrange(90))}",
            item=f"i{min(chance.randrange(60), chance.randrange(60)):02}",
            event_type=chance.choice(["view", "purchase", "return", "search"]),
            event_time_ms=START_MS + chance.randrange(20 * DAY_MS),
        )
        for number in range(3_000)
    ]
    write_object(tmp_path, "a", rows)

    local, distributed = both(spark, tmp_path, ITEMS)

    assert local == distributed
    assert len(local.item_popularity.counts) == 10
    assert sorted(local.category_popularity.names) == ["books", "fruit", "tools"]
    assert all(local.category_popularity.counts[number] for number in (0, 1, 2, 4))


def test_engines_omit_category_popularity_without_categories(spark, tmp_path):
    rows = [event(f"e{number}", user=f"u{number % 4}", item=f"i{number % 3}") for number in range(24)]
    write_object(tmp_path, "a", rows)

    local, distributed = both(spark, tmp_path, [])

    assert local == distributed
    assert local.category_popularity is None
    assert sum(local.user_activity.counts) == 4
