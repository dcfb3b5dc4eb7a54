"""Consumers of the stream: batches, retries, and the destination of failed records."""

import json

import pytest

from alsolike.declarations.storage import FAILED_BATCHES_PREFIX, LAKE_PREFIXES
from tests.infra.assembly import denied, flat, granted, lake_rules


@pytest.mark.parametrize(
    ("function", "batch", "demo_window_s", "prod_window_s"),
    [("update_profiles", 100, 0, 0), ("archive_events", 10_000, 1, 60), ("count_trends", 10_000, 2, 20)],
)
def test_consumer_has_the_batch_size_and_window_of_the_environment(
    demo, prod, function, batch, demo_window_s, prod_window_s
):
    here, there = mapping(demo, function).properties, mapping(prod, function).properties

    assert (here["BatchSize"], there["BatchSize"]) == (batch, batch)
    assert here["MaximumBatchingWindowInSeconds"] == demo_window_s
    assert there["MaximumBatchingWindowInSeconds"] == prod_window_s


@pytest.mark.parametrize(
    ("function", "retries"), [("update_profiles", 1_000), ("archive_events", -1), ("count_trends", 1_000)]
)
def test_consumer_retries_until_its_configured_limits(demo, prod, function, retries):
    here, there = mapping(demo, function).properties, mapping(prod, function).properties

    assert (here["MaximumRetryAttempts"], there["MaximumRetryAttempts"]) == (retries, retries)
    # Streams keep records for 24 and 168 hours. Lambda drops them one hour earlier.
    assert here["MaximumRecordAgeInSeconds"] == 23 * 3600
    assert there["MaximumRecordAgeInSeconds"] == 167 * 3600


@pytest.mark.parametrize("function", ["update_profiles", "archive_events", "count_trends"])
def test_failing_record_is_isolated_and_finally_stored(assembly, function):
    properties = mapping(assembly, function).properties

    assert properties["BisectBatchOnFunctionError"] is True
    assert properties["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert properties["StartingPosition"] == "TRIM_HORIZON"
    destination = flat(properties["DestinationConfig"]["OnFailure"]["Destination"])
    lake = flat(assembly.function("archive_events").properties["Environment"]["Variables"]["LAKE_BUCKET"])
    assert destination.startswith("ExportsOutputFnGetAttDataLake")
    assert lake.removeprefix("ExportsOutputRef")[:16] == destination.removeprefix("ExportsOutputFnGetAtt")[:16]


def test_batches_of_a_shard_are_counted_sequentially(assembly):
    """Records at or below the last sequence number are skipped, so a batch must not overtake another one."""
    assert mapping(assembly, "count_trends").properties.get("ParallelizationFactor", 1) == 1


def test_failed_records_are_written_to_the_prefix_of_lambda():
    # AWS documents the keys as aws/lambda/<mapping's UUID>/<shard>/<year>/<month>/<day>/<name>.
    assert FAILED_BATCHES_PREFIX == "aws/lambda/"


@pytest.mark.parametrize(
    ("function", "own"),
    [
        ("archive_events", {"interactions/", "quarantine/"}),
        ("archive_served", {"served/", "quarantine/"}),
        ("count_trends", set()),
        ("publish_catalog", {"catalogue/", "users/"}),
        ("update_profiles", set()),
    ],
)
def test_consumer_may_write_only_its_own_prefixes_of_the_lake(assembly, function, own):
    role = assembly.role(assembly.function(function))

    allowed = {
        key.removeprefix("Lake/") for action, key in granted(role) if action == "s3:PutObject" and "Lake/" in key
    }
    refused = {key.removeprefix("Lake/") for _, key in denied(role)}
    assert allowed == {"*", *(f"{prefix}*" for prefix in own)}
    assert {action for action, _ in denied(role)} == {"s3:PutObject"}
    assert refused == {f"{prefix}*" for prefix in {*LAKE_PREFIXES} - {*own, FAILED_BATCHES_PREFIX}}


def test_roles_that_may_write_the_lake_have_denied_prefixes(assembly):
    roles = [role for role in assembly.of_type("AWS::IAM::Role") if ("s3:PutObject", "Lake/*") in granted(role)]

    assert len(roles) == 5
    assert all(denied(role) for role in roles)


def test_lake_prefixes_are_those_of_tables_and_lifecycle_rules(demo):
    tables = {
        flat(each.properties["TableInput"]["StorageDescriptor"]["Location"]).split("/", 3)[3]
        for each in demo.of_type("AWS::Glue::Table")
        if each.properties["TableInput"]["StorageDescriptor"].get("Location")
    }
    rules = {rule["Prefix"] for rule in lake_rules(demo) if "Prefix" in rule}

    assert tables | rules <= set(LAKE_PREFIXES)


def test_producer_is_updated_after_the_consumers(assembly):
    consumers = {live(assembly, name).logical_id for name in ("update_profiles", "archive_events", "count_trends")}

    assert consumers <= set(live(assembly, "collect").attributes["DependsOn"])


def live(assembly, function):
    found = assembly.function(function).logical_id
    aliases = assembly.of_type("AWS::Lambda::Alias")
    (alias,) = [alias for alias in aliases if alias.properties["FunctionName"] == {"Ref": found}]
    return alias


def mapping(assembly, function):
    alias = live(assembly, function).logical_id
    (resource,) = [m for m in assembly.of_type("AWS::Lambda::EventSourceMapping") if alias in json.dumps(m.properties)]
    return resource


def test_setting_enables_parallel_profile_updates(demo, other):
    def factor(assembly, function):
        return mapping(assembly, function).properties.get("ParallelizationFactor", 1)

    assert (factor(demo, "update_profiles"), factor(other, "update_profiles")) == (1, 4)
    assert {factor(other, name) for name in ("archive_events", "count_trends")} == {1}
