"""Consumers of the stream: batches, retries, and the destination of failed records."""

import pytest

from alsolike.declarations.storage import FAILED_BATCHES_PREFIX, LAKE_PREFIXES
from tests.infra.assembly import denied, flat, granted, lake_rules


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

    # `LAKE_PREFIXES` has no prefix of forecasts, because forecasts are below the prefix of attribution.
    assert [prefix for prefix in tables | rules if not prefix.startswith(LAKE_PREFIXES)] == []


def test_producer_is_updated_after_the_consumers(assembly):
    consumers = {live(assembly, name).logical_id for name in ("update_profiles", "archive_events", "count_trends")}

    assert consumers <= set(live(assembly, "collect").attributes["DependsOn"])


def live(assembly, function):
    found = assembly.function(function).logical_id
    aliases = assembly.of_type("AWS::Lambda::Alias")
    (alias,) = [alias for alias in aliases if alias.properties["FunctionName"] == {"Ref": found}]
    return alias
