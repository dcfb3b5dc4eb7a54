import datetime as dt

import pytest

from alsolike.training import runs
from alsolike.training.runs import TrainingRuns

T0 = dt.datetime(2026, 9, 21, tzinfo=dt.UTC)


@pytest.mark.parametrize(("first", "expected"), [(0, "abcde"), (1, "bcde"), (2, "cde"), (4, "e"), (5, "")])
def test_runs_since_a_time_are_listed_beyond_a_page(aws, cloud, monkeypatch, first, expected):
    monkeypatch.setattr(runs, "_LISTED", 2)
    states = aws("stepfunctions")
    machine = states.create_state_machine(name="training", definition="{}", roleArn="arn:aws:iam::123456789012:role/r")
    arn = machine["stateMachineArn"]
    for name in "abcde":
        states.start_execution(stateMachineArn=arn, name=name)
    for number, execution in enumerate(cloud.step_functions._executions.values()):
        execution["startDate"] = T0 + dt.timedelta(minutes=number)

    found = TrainingRuns(states, arn).since(int(T0.timestamp() * 1000) + 60_000 * first)

    assert "".join(run.name for run in found) == expected
