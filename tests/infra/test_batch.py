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


def test_keys_and_fields_in_the_workflow_are_those_of_the_code(batches, states):
    requested = states["Recommend"]["Parameters"]["Payload"]["batch"]

    assert set(requested) == {
        f"{name}.$" if name not in ("input", "output", "segments") else name
        for name in recommendation_requests.BATCH.fields
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
