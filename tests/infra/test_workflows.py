"""Rules for the state machines of four environments."""

import json
from typing import Any

import pytest

from alsolike.declarations.storage import BATCH_PREFIX
from alsolike.recommendations import batch_table, request_fields, segments
from tests.infra.assembly import flat, statements


@pytest.fixture(params=["demo", "prod", "spare", "other"])
def machines(request):
    """Return an environment with the tasks of its state machines as pairs of a name and a state."""
    assembly = request.getfixturevalue(request.param)
    found = [
        (f"{machine.logical_id}.{name}", state)
        for machine in assembly.of_type("AWS::StepFunctions::StateMachine")
        for name, state in tasks(json.loads(flat(machine.properties["DefinitionString"])))
    ]
    return assembly, found


def tasks(definition):
    for name, state in definition["States"].items():
        if state["Type"] == "Task":
            yield name, state
        if "ItemProcessor" in state:
            yield from tasks(state["ItemProcessor"])


def test_every_task_has_a_timeout_and_retries(machines):
    _, found = machines

    assert len(found) > 15
    assert [name for name, state in found if not {"TimeoutSeconds", "Retry"} <= state.keys()] == []


@pytest.mark.parametrize("part", ["privacy", "training"])
def test_failed_functions_and_jobs_send_a_notification(assembly, part):
    machine = json.loads(flat(assembly.state_machine(part).properties["DefinitionString"]))
    notice = machine["States"]["NotifyFailure"]

    for name, state in tasks(machine):
        if not state["Resource"].endswith("sns:publish"):
            reached = machine["States"][state["Catch"][-1]["Next"]]
            while reached != notice:
                reached = machine["States"][reached["Next"]]
            assert state["Catch"][-1]["ErrorEquals"] == ["States.ALL"], name
    assert "Alerts" in notice["Parameters"]["TopicArn"]
    assert machine["States"][notice["Next"]]["Type"] == "Fail"


def test_failed_jobs_are_not_repeated(machines):
    jobs = [state for _, state in machines[1] if state["Resource"].endswith(".sync")]
    repeated = {error for state in jobs for retry in state["Retry"] for error in retry["ErrorEquals"]}

    assert jobs
    assert not repeated & {"States.ALL", "States.TaskFailed", "States.Timeout"}


def test_functions_time_out_before_their_tasks(machines):
    assembly, found = machines
    calls = [(name, state) for name, state in found if state["Resource"].endswith("lambda:invoke")]
    functions = {each.logical_id: each for each in assembly.of_type("AWS::Lambda::Function")}
    timeouts_s = {
        alias.logical_id: functions[alias.properties["FunctionName"]["Ref"]].properties["Timeout"]
        for alias in assembly.of_type("AWS::Lambda::Alias")
    }

    for name, state in calls:
        called = state["Parameters"]["FunctionName"].removeprefix("ExportsOutputRef")
        (timeout_s,) = {timeouts_s[alias] for alias in timeouts_s if called.startswith(alias)}
        assert timeout_s < state["TimeoutSeconds"], name


def test_training_workflow_timeout_covers_its_slowest_steps(assembly):
    machine = assembly.state_machine("training")
    definition = json.loads(flat(machine.properties["DefinitionString"]))

    def longest_s(state):
        (retry,) = state["Retry"]
        pauses = [retry["IntervalSeconds"] * retry["BackoffRate"] ** n for n in range(retry["MaxAttempts"])]
        return float((retry["MaxAttempts"] + 1) * state["TimeoutSeconds"] + sum(pauses))

    names = ("StartTraining", "BuildDataset", "Train", "TrainOnDemand", "RegisterModel", "StartCanary", "LookAtCanary")
    steps = [definition["States"][name] for name in (*names, "EndCanary", "NotifyRejection")]
    canary_s = 2 * 86_400
    assert definition["TimeoutSeconds"] >= sum(map(longest_s, steps)) + canary_s
    assert definition["States"]["NotifyFailure"]["TimeoutSeconds"] <= steps[-1]["TimeoutSeconds"]


def test_erasure_waits_longer_than_any_function_runs(prod):
    definition = json.loads(flat(prod.state_machine("privacy").properties["DefinitionString"]))
    longest = max(function.properties["Timeout"] for function in prod.of_type("AWS::Lambda::Function"))
    check = int(prod.function("collect").properties["Environment"]["Variables"]["TOMBSTONE_CHECK_S"])

    assert definition["States"]["Settle"]["Seconds"] >= longest + check


States = dict[str, dict[str, Any]]


def definition(assembly):
    return json.loads(flat(assembly.state_machine("batch").properties["DefinitionString"]))


@pytest.fixture(scope="module")
def batches(demo):
    return definition(demo)["States"]["Batches"]


@pytest.fixture(scope="module")
def states(batches):
    return batches["ItemProcessor"]["States"]


def test_keys_and_fields_in_the_workflow_are_those_of_the_code(batches, states):
    requested = states["Recommend"]["Parameters"]["Payload"]["batch"]

    assert set(requested) == {
        f"{name}.$" if name not in ("input", "output", "segments") else name
        for name in request_fields.BATCH.fields
    }  # fmt: skip
    for template, key in (
        (batches["ItemReader"]["Parameters"]["Prefix.$"], batch_table.users_key("{}", "")),
        (requested["output"]["key.$"], batch_table.answers_prefix("{}", "{}")),
        (requested["segments"]["key.$"], segments.lines_key("{}")),
        (states["KeepReason"]["Parameters"]["Key.$"], batch_table.errors_prefix("{}")),
    ):
        assert template.startswith(f"States.Format('{key.removesuffix('.json')}")


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
