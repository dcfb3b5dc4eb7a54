"""Script of the Glue job, which builds the dataset of a run on Spark if the lake is too large for one process."""

from __future__ import annotations

import argparse
import functools
import os
import time
from collections.abc import Sequence

from pyspark.sql import SparkSession

from alsolike.bundle import files
from alsolike.bundle.manifest import Manifest
from alsolike.catalogue.actions import ActionStore
from alsolike.configuration_document.reader import ConfigurationReader
from alsolike.lake import partitions
from alsolike.lake.lake_objects import list_objects
from alsolike.privacy.pseudonyms import pseudonyms_of
from alsolike.privacy.tombstones import TombstoneReader
from alsolike.runtime.aws import client
from alsolike.runtime.errors import InvalidBundle
from alsolike.runtime.observability import logger
from alsolike.runtime.s3 import S3Object
from alsolike.training.dataset import CHAMPION_FOLDER, IMPRESSIONS_FILE, MANIFEST_FILE, prefix
from alsolike.training.statistics import STATISTICS, STATISTICS_MANIFEST, Counting
from functions.build_dataset.impressions import write_impressions
from functions.build_dataset.settings import Settings
from functions.build_dataset.spark_dataset import SparkErasedUsers, build_dataset, check_no_user_erased
from functions.build_dataset.spark_statistics import moments, write_statistics

_PARTITION_BYTES = 32 * 2**20
"""Size of compressed lake objects per shuffle partition in bytes, which determines the number of partitions."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the files of a dataset and, on request, its training statistics. Write the manifest last."""
    options = _options(arguments)
    # Glue does not set the region. `_session` sets it for the workers.
    os.environ.setdefault("AWS_DEFAULT_REGION", options.region)
    lake_bucket = options.lake_s3_uri.removeprefix("s3://").partition("/")[0]
    artefact_bucket = options.dataset_s3_uri.removeprefix("s3://").partition("/")[0]
    settings = Settings(
        lake_bucket=lake_bucket,
        artefact_bucket=artefact_bucket,
        catalogue_table=options.catalogue_table,
        users_table=options.users_table,
        secret_arn=options.secret_arn,
    )
    s3 = client("s3")

    def stored(name: str) -> S3Object:
        return S3Object(s3, artefact_bucket, f"{prefix(options.run_id)}{name}")

    now_ms = time.time_ns() // 1_000_000
    configuration = ConfigurationReader(s3, artefact_bucket).current(now_ms=now_ms)
    pseudonyms = functools.partial(pseudonyms_of, client("secretsmanager"), settings.secret_arn)
    tombstones = TombstoneReader(s3, artefact_bucket, pseudonyms)
    dates, size_bytes = set(), 0
    for listed in list_objects(s3, lake_bucket):
        dates.add(listed.date)
        size_bytes += listed.size_bytes
    spark = _session(options.region, size_bytes)
    dataset = build_dataset(
        spark,
        options.run_id,
        started_ms=options.started_ms,
        lake_s3_uri=options.lake_s3_uri,
        dataset_s3_uri=options.dataset_s3_uri,
        settings=settings,
        actions=ActionStore(s3, artefact_bucket),
        configuration=configuration,
        lineage=tuple(partitions.partition_prefix(date).removesuffix("/") for date in sorted(dates)),
        erased=SparkErasedUsers(frozenset(tombstones.current(now_ms=now_ms).users), settings.secret_arn),
        max_interactions=options.sample_interactions if options.statistics else None,
    )
    if options.statistics:
        counted = moments(
            dataset.interactions.frame,
            Counting(),
            last_ms=dataset.manifest.last_event_ms,
            champion_ms=_champion_ms(stored(f"{CHAMPION_FOLDER}/{files.MANIFEST_FILE}")),
        )
        write_statistics(dataset.interactions.frame, options.dataset_s3_uri, counted)
        stored(f"{STATISTICS}{STATISTICS_MANIFEST}").write(counted.to_json())
    write_impressions(
        s3,
        lake_bucket,
        stored(IMPRESSIONS_FILE),
        profiles=lambda: (row["profile_id"] for row in dataset.profiles.toLocalIterator()),
        configuration=configuration,
        pseudonyms=pseudonyms,
    )
    now_ms = time.time_ns() // 1_000_000
    check_no_user_erased(
        dataset.interactions, SparkErasedUsers(frozenset(tombstones.refresh(now_ms=now_ms).users), settings.secret_arn)
    )
    stored(MANIFEST_FILE).write(dataset.manifest.to_json())
    logger.info(
        "dataset built",
        dataset_id=options.run_id,
        rows=dataset.manifest.rows_read,
        dropped=dataset.manifest.dropped,
    )
    spark.stop()


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--run_id", required=True)
    parser.add_argument("--started_ms", required=True, type=int)
    for name in ("lake_s3_uri", "dataset_s3_uri", "catalogue_table", "users_table", "secret_arn", "region"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--statistics", default="false", type={"true": True, "false": False}.__getitem__)
    parser.add_argument("--sample_interactions", default=5_000_000, type=int)
    return parser.parse_known_args(arguments)[0]  # Glue adds further arguments.


def _champion_ms(manifest: S3Object) -> int | None:
    """Return the time of the champion's last training event. None without a valid copy of the champion."""
    stored = manifest.read()
    try:
        return Manifest.from_json(stored.body).last_event_ms if stored else None
    except InvalidBundle:
        return None


def _session(region: str, size_bytes: int) -> SparkSession:
    builder = SparkSession.builder.appName("build_dataset").config("spark.executorEnv.AWS_DEFAULT_REGION", region)
    spark = builder.getOrCreate()
    # Spark merges small partitions at the end of a stage.
    count = max(spark.sparkContext.defaultParallelism, size_bytes // _PARTITION_BYTES)
    spark.conf.set("spark.sql.shuffle.partitions", str(count))
    return spark


if __name__ == "__main__":
    main()
