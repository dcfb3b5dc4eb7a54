"""Workflow of erasures, and the expiry of copies that receipts state."""

import json

import pytest

from tests.infra.assembly import Assembly, flat


@pytest.fixture(scope="module")
def states(demo):
    """Return the workflow's states by name."""
    definition = json.loads(flat(demo.state_machine("privacy").properties["DefinitionString"]))
    return definition["States"]


def test_erasure_waits_purges_and_repeats_until_no_data_are_found(states):
    assert states["Settle"]["Next"] == "Purge"
    assert states["Purge"]["Next"] == "Outcome"
    assert {(choice["StringEquals"], choice["Next"]) for choice in states["Outcome"]["Choices"]} == {
        ("more", "Purge"),
        ("again", "Settle"),
    }
    assert states[states["Outcome"]["Default"]]["Type"] == "Succeed"


def test_wait_is_longer_than_any_function_timeout(demo, prod):
    def settle(assembly):
        definition = json.loads(flat(assembly.state_machine("privacy").properties["DefinitionString"]))
        return definition["States"]["Settle"]["Seconds"]

    longest = max(function.properties["Timeout"] for function in prod.of_type("AWS::Lambda::Function"))
    check = int(prod.function("collect").properties["Environment"]["Variables"]["TOMBSTONE_CHECK_S"])

    assert settle(prod) >= longest + check
    assert settle(demo) == 2  # Functions of a demo run for seconds.


def test_purge_is_retried_and_its_failure_sends_a_notification(states):
    (retry,) = states["Purge"]["Retry"]
    (caught,) = states["Purge"]["Catch"]

    assert "States.TaskFailed" in retry["ErrorEquals"]
    assert caught["ErrorEquals"] == ["States.ALL"]
    assert states[caught["Next"]]["Resource"].endswith(":states:::sns:publish")
    assert states[states[caught["Next"]]["Next"]]["Type"] == "Fail"


def test_purge_input_is_only_the_erasure_id(states):
    assert states["Purge"]["Parameters"]["Payload"] == {"erasure_id.$": "$.erasure_id"}


@pytest.mark.parametrize("environment", ["demo", "prod"])
def test_copies_expire_as_receipts_promise(environment, request):
    assembly: Assembly = request.getfixturevalue(environment)
    variables = assembly.function("purge_user").properties["Environment"]["Variables"]

    rules = [
        rule
        for bucket in assembly.of_type("AWS::S3::Bucket")
        for rule in bucket.properties["LifecycleConfiguration"]["Rules"]
    ]
    versions = {
        rule["NoncurrentVersionExpiration"]["NoncurrentDays"]
        for rule in rules
        if "NoncurrentVersionExpiration" in rule and "Prefix" not in rule  # A shorter expiry for a prefix is permitted.
    }
    whole = {rule["ExpirationInDays"] for rule in rules if "ExpirationInDays" in rule and "Prefix" not in rule}
    assert versions == {int(variables["OBJECT_VERSION_DAYS"])}
    assert whole == {int(variables["ACCESS_LOG_DAYS"])}
    stream = assembly.only("AWS::Kinesis::Stream")
    assert stream.properties["RetentionPeriodHours"] == int(variables["STREAM_HOURS"])
    groups = {group.properties["RetentionInDays"] for group in assembly.of_type("AWS::Logs::LogGroup")}
    assert groups == {int(variables["LOG_DAYS"])}
    (batches,) = [rule for rule in rules if rule.get("Prefix") == "batch/"]
    days = batches["ExpirationInDays"] + batches["NoncurrentVersionExpiration"]["NoncurrentDays"]
    assert days == int(variables["BATCH_DAYS"])
    assert variables["RETRAIN_DAYS"] == {"demo": "7", "prod": "1"}[environment]
