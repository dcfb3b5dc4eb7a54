import pytest

from alsolike.runtime.errors import AlsolikeError, Unavailable
from functions.check_kafka import handler
from tests.builders.lambda_events import LambdaContext

MAPPING = "0d1c0b5e-1234-4321-9876-0123456789ab"
GONE = "00000000-1234-4321-9876-0123456789ab"


def check(cloud, monkeypatch, **mapping):
    stated = {name: value for name, value in mapping.items() if value is not None}
    cloud.functions.mappings[MAPPING] = {"UUID": MAPPING, "StateTransitionReason": "User action", **stated}
    monkeypatch.setenv("MAPPING_ID", MAPPING)
    return handler.lambda_handler({}, LambdaContext())


@pytest.mark.parametrize(
    ("state", "result"),
    [
        ("Enabled", "OK"),
        ("Enabled", "No records processed"),
        ("Creating", None),
        ("Enabling", "No records processed"),
        ("Updating", "OK"),
    ],
)
def test_working_mapping_passes(state, result, aws, cloud, monkeypatch):
    assert check(cloud, monkeypatch, State=state, LastProcessingResult=result) == (result or "none")


@pytest.mark.parametrize(
    ("state", "result"),
    [
        ("Enabled", "PROBLEM: Cluster failed to authorize Lambda"),
        ("Enabled", "PROBLEM: Connection error. Please check your event source connection configuration."),
        ("Disabled", "OK"),
        ("Disabling", None),
        ("Deleting", "OK"),
    ],
)
def test_failing_mapping_fails_the_function(state, result, aws, cloud, monkeypatch):
    with pytest.raises(Unavailable, match=rf"Kafka is not read: the mapping {MAPPING} is {state} \(User action\)"):
        check(cloud, monkeypatch, State=state, LastProcessingResult=result)


def test_missing_mapping_fails_the_function(aws, monkeypatch):
    monkeypatch.setenv("MAPPING_ID", GONE)

    with pytest.raises(AlsolikeError, match=f"event source mapping {GONE}"):
        handler.lambda_handler({}, LambdaContext())
