"""Lake, catalogue, and the dataset that is built from them."""

import pytest

from alsolike.catalogue.items import CatalogueStore, Item
from alsolike.configuration_document.reader import ConfigurationReader
from alsolike.events.stream_records import stream_records
from functions.archive_events.service import archive
from functions.build_dataset import handler
from tests.builders.lambda_events import NOW_MS, LambdaContext, kinesis_event
from tests.unit.functions.build_dataset.shop import EVENT, shopping


@pytest.fixture
def invoke(lake_bucket, artefact_bucket, catalogue_table, users_table):
    return lambda: handler.lambda_handler(EVENT, LambdaContext())


@pytest.fixture
def archived(aws, lake_bucket, artefact_bucket):
    """Return a function that writes records to the lake as archive_events does."""
    s3 = aws("s3")

    def write(records):
        configurations = ConfigurationReader(s3, artefact_bucket)
        archive(records, client=s3, bucket=lake_bucket, configurations=configurations, now_ms=NOW_MS)

    return write


@pytest.fixture
def dataset(invoke, aws, archived, artefact_bucket, catalogue_table):
    s3 = aws("s3")
    records = stream_records(kinesis_event(shopping()))
    archived(records)
    archived(records[:4])  # A retry of a part of the batch stores the same events again, in another object.
    items = [Item("plum", {"title": "Plum"}), Item("fig", {"title": "Fig", "price": 1.5}), Item("pear", {})]
    CatalogueStore(aws("dynamodb"), catalogue_table).put(items, now_ms=NOW_MS)

    def build():
        prefix = invoke()["dataset_s3_uri"].removeprefix(f"s3://{artefact_bucket}/")
        listed = s3.list_objects_v2(Bucket=artefact_bucket, Prefix=prefix)["Contents"]
        return {
            entry["Key"].removeprefix(prefix): s3.get_object(Bucket=artefact_bucket, Key=entry["Key"])["Body"].read()
            for entry in listed
        }

    return build
