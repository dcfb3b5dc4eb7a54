"""Training runs, listed and started through the API."""

import datetime as dt
import json

import pytest
from botocore.exceptions import ClientError

from alsolike.training.runs import TrainingRuns
from functions.operate import handler
from tests.unit.functions.operate.shop import MACHINE, SUBJECT

T0 = dt.datetime(2026, 3, 1, 4, 0, tzinfo=dt.UTC)
T0_MS = 1_772_337_600_000
START = "POST /operator/trainings"


class Machine:
    """Executions of the training workflow in the fake of Step Functions."""

    def __init__(self, cloud, client):
        self._client = client
        self.calls = cloud.calls
        self._fake = cloud.step_functions
        self._fake.now = lambda: T0
        self.executions, self.histories = self._fake._executions, self._fake._histories
        client.create_state_machine(name=MACHINE.rpartition(":")[2], definition="{}", roleArn="role")

    def put(self, name, status, *events, minute=0, given="{}", **more):
        """Add an execution that started at `minute`. An event is a tuple of second, state, and output or None."""
        started = T0 + dt.timedelta(minutes=minute)
        self._fake.now = lambda: started
        arn = self._client.start_execution(stateMachineArn=MACHINE, name=name, input=given)["executionArn"]
        ended = {} if status == "RUNNING" else {"stopDate": started + dt.timedelta(seconds=50)}
        self.executions[arn] |= {"status": status, **ended, **more}
        self.histories[arn] = [
            {"id": number, "timestamp": started + dt.timedelta(seconds=second), **_event(state, output)}
            for number, (second, state, output) in enumerate(events, start=1)
        ]
        return arn


def _event(state, output):
    if output is None:
        return {"stateEnteredEventDetails": {"name": state}}
    return {"stateExitedEventDetails": {"name": state, "output": json.dumps(output)}}


@pytest.fixture
def machine(empty, cloud):
    return Machine(cloud, empty.aws("stepfunctions"))


class Logs:
    """CloudWatch Logs with the lines of one job's stream."""

    def __init__(self, *lines):
        self.lines = lines

    def describe_log_streams(self, *, logGroupName, logStreamNamePrefix):  # noqa: N803
        if not self.lines:
            raise ClientError({"Error": {"Code": "ResourceNotFoundException"}}, "DescribeLogStreams")
        assert (logGroupName, logStreamNamePrefix) == ("/aws/sagemaker/TrainingJobs", "job-2/")
        return {"logStreams": [{"logStreamName": "job-2/algo-1"}]}

    def get_log_events(self, *, limit, **_):
        events = [{"timestamp": number, "message": f"{line}\n"} for number, line in enumerate(self.lines)]
        return {"events": events[-limit:]}


@pytest.mark.parametrize(
    ("status", "lines", "shown"),
    [("RUNNING", ["epoch 1", "epoch 2"], "epoch 2"), ("RUNNING", [], None), ("FAILED", ["epoch 1"], None)],
)
def test_active_run_has_the_last_line_of_its_log(empty, machine, replace_clients, status, lines, shown):
    arn = machine.put("e1", status, (0, "StartTraining", None), (1, "Train", None))
    for number in (1, 2):
        task = {"resourceType": "sagemaker", "parameters": json.dumps({"TrainingJobName": f"job-{number}"})}
        event = {"id": 3 + number, "timestamp": T0, "taskScheduledEventDetails": task}
        machine.histories[arn].append(event)
    replace_clients(handler, logs=Logs(*lines))

    (run,) = listed(empty)

    assert run["log"] == shown


def listed(operator, **options):
    document = operator.call("GET /operator/trainings", **{"remaining_ms": 29_000, **options})["document"]
    return list(document["runs"])


def test_run_is_listed_with_its_states_outcome_and_reason(empty, machine):
    start = {"start": {"run_id": "r1", "first": "dataset", "reason": "by-hand: spring", "version": "r1"}}
    gate = {**start, "registration": {"version": "r1", "verdict": "approved"}}
    going, done = ({**gate, "canary": {"state": state}} for state in ("going", "rolled_back"))
    machine.put(
        "e1", "SUCCEEDED",
        (0, "StartTraining", None), (1, "StartTraining", start),
        (1, "RegisterModel", None), (9, "RegisterModel", gate),
        (9, "Wait", None), (19, "Wait", gate), (19, "Look", None), (20, "Look", going),
        (20, "Wait", None), (30, "Wait", going), (30, "Look", None), (31, "Look", done),
    )  # fmt: skip

    seconds = {"StartTraining": (0, 1), "RegisterModel": (1, 9), "Wait": (9, 30), "Look": (19, 31)}
    assert listed(empty) == [
        {
            "id": "e1", "status": "SUCCEEDED", "outcome": "rolled back", "startedMs": T0_MS, "endedMs": T0_MS + 50_000,
            "reason": "by-hand: spring", "version": "r1", "cause": None, "log": None,
            "states": [
                {"name": name, "enteredMs": T0_MS + 1_000 * entered, "leftMs": T0_MS + 1_000 * left}
                for name, (entered, left) in seconds.items()
            ],
        }
    ]  # fmt: skip


def test_running_run_has_no_outcome_and_an_open_state(empty, machine):
    given = json.dumps({"trigger": "drift", "reason": "psi 0.3"})
    machine.put("e1", "RUNNING", (0, "StartTraining", None), given=given)

    (run,) = listed(empty)

    assert (run["status"], run["outcome"], run["endedMs"], run["reason"]) == ("RUNNING", None, None, "psi 0.3")
    assert run["states"] == [{"name": "StartTraining", "enteredMs": T0_MS, "leftMs": None}]


def test_failed_run_has_its_cause_and_end_time(empty, machine):
    machine.put("e1", "TIMED_OUT", (0, "Train", None), error="States.Timeout", cause="5 h are over")

    (run,) = listed(empty)

    assert (run["outcome"], run["cause"]) == (None, "States.Timeout: 5 h are over")
    assert run["states"][0]["leftMs"] == T0_MS + 50_000


def test_run_stopped_by_another_run_has_outcome_busy(empty, machine):
    start = {"run_id": "r2", "first": "busy", "reason": "by-hand; not started, because run r1", "version": "r2"}
    machine.put("e2", "SUCCEEDED", (0, "StartTraining", None), (1, "StartTraining", {"start": start}))

    (run,) = listed(empty)

    assert (run["outcome"], run["version"], run["cause"]) == ("busy", None, None)
    assert run["reason"] == "by-hand; not started, because run r1"


def test_latest_runs_come_first_up_to_the_limit(empty, machine):
    for minute in range(25):
        machine.put(f"e{minute}", "SUCCEEDED", minute=minute)

    assert [run["id"] for run in listed(empty)] == [f"e{minute}" for minute in range(24, 4, -1)]
    assert [run["id"] for run in listed(empty, query={"limit": "2"})] == ["e24", "e23"]


def test_ended_runs_are_cached_and_active_runs_are_read_again(empty, machine):
    machine.put("e1", "SUCCEEDED", minute=1)
    machine.put("e2", "RUNNING", (0, "StartTraining", None), minute=2)
    listed(empty)
    machine.calls.clear()

    listed(empty)

    described = [call.request["executionArn"] for call in machine.calls if call.operation == "sfn.DescribeExecution"]
    assert [arn.rpartition(":")[2] for arn in described] == ["e2"]


def test_runs_are_listed_without_states_if_time_is_short(empty, machine):
    machine.put("e1", "SUCCEEDED", (0, "Train", None))

    (run,) = listed(empty, remaining_ms=15_000)

    assert (run["status"], run["outcome"], run["states"]) == ("SUCCEEDED", None, [])
    assert listed(empty)[0]["states"] != []


class TestStart:
    def test_training_starts_with_reason_and_operator(self, empty, machine):
        result = empty.act(START, {"reason": "new season"})

        (execution,) = machine.executions.values()
        assert result == {"id": execution["name"]}
        assert json.loads(execution["input"]) == {"trigger": "by-hand", "reason": f"new season (operator {SUBJECT})"}

    def test_training_without_reason_is_started_with_the_operator(self, empty, machine):
        empty.act(START, {})

        (execution,) = machine.executions.values()
        assert json.loads(execution["input"])["reason"] == f"operator {SUBJECT}"

    def test_same_client_token_starts_one_run(self, empty, machine):
        first = empty.act(START, {"clientToken": "t1", "reason": "new season"})
        again = empty.act(START, {"clientToken": "t1"})

        assert first == again
        assert len(machine.executions) == 1

    def test_concurrent_calls_with_one_token_start_one_run(self, empty, machine, monkeypatch):
        body = {"clientToken": "t1"}
        check_idle, others = TrainingRuns.check_idle, [lambda: empty.act(START, body)]

        def start_before_looking(self):
            if others:
                others.pop()()
            check_idle(self)

        monkeypatch.setattr(TrainingRuns, "check_idle", start_before_looking)

        result = empty.act(START, body)

        (execution,) = machine.executions.values()
        assert result == {"id": execution["name"]}

    def test_start_during_a_run_is_refused(self, empty, machine):
        empty.act(START, {"clientToken": "t1"})

        status, message = empty.refused(START, {"clientToken": "t2"})

        assert (status, len(machine.executions)) == (409, 1)
        assert "has been active since 2026-03-01 04:00:00 UTC, and only one run is active at a time" in message


TRIAL = "POST /operator/models/{version}/promotion"


def test_canary_starts_the_workflow_at_the_canary_state(operator, machine):
    result = operator.act(TRIAL, {"reason": "spring", "canary": True}, version="v4")

    (execution,) = machine.executions.values()
    assert result == {"champion": None, "runId": execution["name"], "warnings": []}
    assert json.loads(execution["input"]) == {"version": "v4", "reason": f"spring (operator {SUBJECT})"}
    assert operator.champion.version == "v2"


def test_canary_during_a_run_is_refused(operator, machine):
    machine.put("e1", "RUNNING")

    status, message = operator.refused(TRIAL, {"reason": "spring", "canary": True}, version="v4")

    assert (status, "run e1 has been active" in message) == (409, True)
