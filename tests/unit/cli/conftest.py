"""Deployment in the memory cloud, for tests of commands."""

import dataclasses
import functools

import pytest
import typer.main
import typer.testing

from alsolike.privacy.pseudonyms import Pseudonyms, pseudonyms_of
from tests.unit.cli.endpoints import serving
from tests.unit.cli.operator_calls import RefusedCalls
from tests.unit.cli.shop import NAMES, empty_deployment, put_parameters


@pytest.fixture(autouse=True, scope="session")
def build_commands_once():
    """Cache the command that Typer builds from an app. Building it on each call would take most of the tests' time."""
    built_once = functools.cache(typer.main.get_command)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(typer.main, "get_command", built_once)
        patch.setattr(typer.testing, "_get_command", built_once)
        yield


@pytest.fixture
def client(aws, monkeypatch):
    """Return the clients of an empty AWS account, which commands use too."""
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    monkeypatch.setattr("operations.client.deployment.session_clients", lambda **_: aws)
    return aws


@pytest.fixture(autouse=True)
def refuse_calls_without_permission(memory_cloud, monkeypatch):
    """Fail a test in which a command makes a call that `alsolike policy --operator` does not permit."""
    calls = RefusedCalls()
    monkeypatch.setattr(memory_cloud, "observer", calls.observe)
    yield
    assert sorted(calls.found) == [], "calls that operations/policies.py does not permit"


@pytest.fixture
def pseudonyms(client):
    """Yield the deployment's keyed hashes. Without this fixture, the secret does not exist."""
    client("secretsmanager").create_secret(Name=NAMES.hash_key_arn.rpartition(":")[2], SecretString="k" * 64)
    yield Pseudonyms(b"k" * 64)
    pseudonyms_of.cache_clear()


@pytest.fixture
def deployment(client):
    return empty_deployment(client)


@pytest.fixture
def shop(deployment):
    """Return the deployment `--env shop`."""
    put_parameters(deployment.client("ssm"), "shop")
    return deployment


@pytest.fixture
def select(monkeypatch):
    """Return a function that sets the deployment of commands without `--env`."""

    def select(deployment):
        monkeypatch.setattr("operations.client.deployment.resolve", lambda **_: deployment)
        return deployment

    return select


@pytest.fixture
def server():
    """Yield the API of `api_shop`. Tests set its responses."""
    with serving() as endpoints:
        yield endpoints


@pytest.fixture
def api_shop(deployment, server, select):
    """Return the deployment of commands without `--env`. Its API is `server`."""
    return select(dataclasses.replace(deployment, names=dataclasses.replace(deployment.names, api_url=server.url)))
