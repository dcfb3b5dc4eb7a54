import dataclasses
from pathlib import Path

import pytest

from alsolike.runtime.errors import NotFound, Unavailable
from local_cloud.state import CloudState
from operations.client import deployment
from tests.unit.cli.shop import NAMES, put_parameters


def test_stack_name_selects_its_parameter_tree(client):
    put_parameters(client("ssm"), "shop")
    put_parameters(client("ssm"), "other", dataclasses.replace(NAMES, lake_bucket="other-lake"))

    found = deployment.resolve(stack="shop")

    assert found.environment == "shop"
    assert found.names == NAMES
    assert not found.is_local


@pytest.mark.parametrize(
    ("stack", "message"),
    [
        ("shop", r"stack 'shop' in eu-west-1 lacks .* /alsolike/shop/lake-bucket;"),
        ("sho", r"no deployment 'sho' in eu-west-1: no SSM parameter .* /alsolike/sho/"),
    ],
)
def test_missing_parameter_or_stack_is_named(client, stack, message):
    put_parameters(client("ssm"), "shop", without="lake-bucket")

    with pytest.raises(NotFound, match=message):
        deployment.resolve(stack=stack)


def test_missing_stack_and_cloud_error_has_the_start_command(tmp_path):
    with pytest.raises(NotFound, match=r"cloud\.json is missing\); start one with `alsolike up`"):
        deployment.resolve(stack=None, state=tmp_path / "cloud.json")


def test_state_of_an_ended_cloud_raises_unavailable(tmp_path):
    path = tmp_path / "cloud.json"
    CloudState("ready", 2**22 + 1, "us-east-1", "1", "", "").write(path)

    with pytest.raises(Unavailable, match="does not run any more"):
        deployment.resolve(stack=None, state=path)


def test_environment_variable_sets_the_state_file(monkeypatch):
    monkeypatch.setenv("ALSOLIKE_STATE", "/somewhere/cloud.json")

    assert deployment.state_path() == Path("/somewhere/cloud.json")


def test_single_environment_is_selected_by_default(client):
    put_parameters(client("ssm"), "demo")

    assert deployment.only_names(client("ssm")) == ("demo", NAMES)

    put_parameters(client("ssm"), "second")
    with pytest.raises(NotFound, match="found demo, second"):
        deployment.only_names(client("ssm"))
