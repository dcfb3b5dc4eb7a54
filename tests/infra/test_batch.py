"""Workflow of a batch run as deployed to AWS. The test that runs it is tests/system/trained/test_batch.py."""

import json
from typing import Any

import pytest

from alsolike.declarations.storage import BATCH_PREFIX
from alsolike.recommendations import batch_table, segments
from alsolike.recommendations import requests as recommendation_requests
from tests.infra.assembly import flat, statements

States = dict[str, dict[str, Any]]


def definition(assembly):
    return json.loads(flat(assembly.state_machine("batch").properties["DefinitionString"]))


@pytest.fixture(scope="module")
def batches(demo):
    """Return the map state over the batches of a run."""
    return definition(demo)["States"]["Batches"]


@pytest.fixture(scope="module")
def states(batches):
    """Return the states that process one batch."""
    return batches["ItemProcessor"]["States"]


def test_each_object_of_users_is_a_batch_with_its_own_execution(batches):
    reader = batches["ItemReader"]

    assert batches["ItemProcessor"]["ProcessorConfig"] == {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
    assert reader["Resource"] == "arn:AWS::Partition:states:::s3:listObjectsV2"
    assert "Artefacts" in reader["Parameters"]["Bucket"]
    assert reader["Parameters"]["Prefix.$"] == "States.Format('batch/{}/users/', $$.Execution.Input.run)"
    assert batch_table.users_key("r", "000001") == "batch/r/users/000001.json"
    assert batches["ItemSelector"]["key.$"] == "$$.Map.Item.Value.Key"


def test_files_are_exchanged_only_if_the_input_names_them(demo):
    machine = definition(demo)
    states = machine["States"]

    assert machine["StartAt"] == "FromFile"
    for choice, step, otherwise in (("FromFile", "ReadUsers", "Batches"), ("ToFile", "Deliver", "InParts")):
        condition = {"Variable": "$.source", "IsPresent": True, "Next": step}
        assert (states[choice]["Choices"], states[choice]["Default"]) == ([condition], otherwise)
        assert demo.function("exchange_batch").properties["Timeout"] < states[step]["TimeoutSeconds"]
    assert (states["ReadUsers"]["Next"], states["Batches"]["Next"]) == ("Batches", "ToFile")


def test_batches_tolerate_no_failure_and_run_with_limited_concurrency(batches):
    # Step Functions' default is 0, and the CDK omits a 0.
    assert not {"ToleratedFailureCount", "ToleratedFailurePercentage"} & set(batches)
    assert batches["MaxConcurrency"] == 3
    assert batches["ResultPath"] is None  # The results of thousands of batches would exceed the size limit of a state.
    assert batches["ResultWriter"]["Parameters"]["Prefix.$"].startswith("States.Format('batch/{}/results'")


def test_batch_is_repeated_until_all_users_are_done_and_then_written(states):
    requested = states["Recommend"]["Parameters"]["Payload"]["batch"]

    assert set(requested) == {
        f"{name}.$" if name not in ("input", "output", "segments") else name
        for name in recommendation_requests.BATCH.fields
    }  # fmt: skip
    assert requested["segments"] == {"key.$": "States.Format('batch/{}/segments.json', $.run)"}
    assert segments.lines_key("r") == "batch/r/segments.json"
    assert requested["input"] == {"key.$": "$.key"}
    assert requested["output"]["key.$"].startswith(
        "States.Format('batch/{}/answers/{}/{}.jsonl', $.run, $.named.batch, "
    )
    assert batch_table.answers_prefix("r", "000001") == "batch/r/answers/000001/"
    (again,) = states["AllDone"]["Choices"]
    assert again == {"Variable": "$.recommended.notDone", "NumericGreaterThan": 0, "Next": "GoOn"}
    assert (states["GoOn"]["Next"], states["AllDone"]["Default"]) == ("Recommend", "Write")
    assert set(states["Write"]["Parameters"]["Payload"]) == {"run.$", "batch.$", "recommender.$"}


@pytest.mark.parametrize("name", ["Recommend", "Write"])
def test_transient_errors_are_retried_and_other_reasons_are_stored(states, name):
    (retry,) = states[name]["Retry"]
    assert {"Unavailable", "Sandbox.Timedout", "Lambda.TooManyRequestsException"} <= set(retry["ErrorEquals"])
    assert not {"States.ALL", "States.TaskFailed", "InvalidInput", "NotFound"} & set(retry["ErrorEquals"])
    assert states[name]["Catch"] == [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "KeepReason"}]
    assert states[name]["TimeoutSeconds"] > 0


def test_reason_of_a_failed_batch_is_stored_with_its_run(states):
    keep = states["KeepReason"]

    assert keep["Resource"] == "arn:AWS::Partition:states:::aws-sdk:s3:putObject"
    assert keep["Parameters"]["Key.$"] == "States.Format('batch/{}/errors/{}.json', $.run, $.named.batch)"
    assert batch_table.errors_prefix("r") == "batch/r/errors/"
    assert keep["Next"] == "Failed"
    assert states["Failed"] == {"Type": "Fail", "ErrorPath": "$.error.Error", "CausePath": "$.error.Cause"}


def test_functions_time_out_before_their_states(demo, states):
    for state, function in (("Recommend", "recommend"), ("Write", "write_recommendations")):
        assert demo.function(function).properties["Timeout"] < states[state]["TimeoutSeconds"]


def test_workflow_may_start_only_its_own_executions(demo):
    policies = [r for r in demo.of_type("AWS::IAM::Policy") if r.stack.endswith("-batch")]
    (policy,) = [each for each in policies if "OwnExecutions" in each.logical_id]
    start, watch = policy.properties["PolicyDocument"]["Statement"]
    machine = demo.state_machine("batch").logical_id

    assert flat(start["Resource"]) == machine
    watched = {flat(resource).partition("execution:")[2] for resource in watch["Resource"]}
    assert watched == {f"{machine}.Name:*", f"{machine}.Name/*"}


def test_workflow_may_access_only_batch_objects(demo):
    (role,) = [
        r
        for r in demo.of_type("AWS::IAM::Role")
        if r.stack.endswith("-batch") and "states.amazonaws.com" in json.dumps(r.properties)
    ]

    touched = [flat(s["Resource"]) for s in statements(role) if "s3:PutObject" in s["Action"]]
    assert len(touched) == 1
    assert touched[0].endswith(f"/{BATCH_PREFIX}*")


def test_users_and_results_expire_after_30_days(assembly):
    (rule,) = [
        rule
        for bucket in assembly.of_type("AWS::S3::Bucket")
        for rule in bucket.properties.get("LifecycleConfiguration", {}).get("Rules", [])
        if rule.get("Prefix") == BATCH_PREFIX
    ]

    assert (rule["ExpirationInDays"], rule["NoncurrentVersionExpiration"]) == (30, {"NoncurrentDays": 1})
