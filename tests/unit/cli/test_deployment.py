from __future__ import annotations

import base64
import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from alsolike.errors import NotFound, Unavailable
from cli import deployment
from cli.deployment import ClientCredentials, Tokens
from tests.unit.cli.endpoints import serving
from tests.unit.cli.shop import NAMES, put_parameters


def test_stack_name_resolves_the_parameter_tree(client: Any) -> None:
    put_parameters(client("ssm"), "shop")
    put_parameters(client("ssm"), "other", dataclasses.replace(NAMES, lake_bucket="other-lake"))

    found = deployment.resolve(stack="shop")

    assert found.environment == "shop"
    assert found.names == NAMES
    assert not found.is_local


def test_missing_key_is_named_with_its_stack(client: Any) -> None:
    put_parameters(client("ssm"), "shop", without="lake-bucket")

    with pytest.raises(NotFound, match=r"stack 'shop' in eu-west-1 lacks .* /alsolike/shop/lake-bucket;"):
        deployment.resolve(stack="shop")


def test_unknown_stack_is_an_error_that_says_where_was_looked(client: Any) -> None:
    put_parameters(client("ssm"), "shop")

    with pytest.raises(NotFound, match=r"no deployment 'sho' in eu-west-1: no SSM parameter .* /alsolike/sho/"):
        deployment.resolve(stack="sho")


def test_missing_region_is_an_error_that_says_what_to_set(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")

    with pytest.raises(Unavailable, match="set AWS_REGION"):
        deployment.resolve(stack="shop")


def test_without_a_stack_and_a_running_cloud_the_error_says_how_to_start_one(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"cloud\.json is missing\); start one with `alsolike up`"):
        deployment.resolve(stack=None, state=tmp_path / "cloud.json")


def test_state_of_a_cloud_that_ended_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "cloud.json"
    fields = {
        "status": "ready",
        "pid": 2**22 + 1,
        "region": "us-east-1",
        "account": "1",
        "started_at": "",
        "assembly": "",
    }
    path.write_text(json.dumps(fields))

    with pytest.raises(Unavailable, match="does not run any more"):
        deployment.resolve(stack=None, state=path)


def test_state_file_is_named_by_the_environment_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALSOLIKE_STATE", "/somewhere/cloud.json")

    assert deployment.state_path() == Path("/somewhere/cloud.json")


def test_environment_is_discovered_where_there_is_only_one(client: Any) -> None:
    put_parameters(client("ssm"), "demo")

    assert deployment.only_environment(client("ssm")) == "demo"

    put_parameters(client("ssm"), "second")
    with pytest.raises(NotFound, match="found demo, second"):
        deployment.only_environment(client("ssm"))


@pytest.fixture
def app_client(client: Any) -> tuple[str, str, str]:
    """A user pool's id, an app client's id and its secret."""
    cognito = client("cognito-idp")
    pool = cognito.create_user_pool(PoolName="shop")["UserPool"]["Id"]
    answer = cognito.create_user_pool_client(UserPoolId=pool, ClientName="shop", GenerateSecret=True)["UserPoolClient"]
    return pool, answer["ClientId"], answer["ClientSecret"]


def tokens(client: Any, app_client: tuple[str, str, str], url: str) -> Tokens:
    names = dataclasses.replace(NAMES, user_pool_id=app_client[0], client_id=app_client[1], token_url=url)
    return Tokens(ClientCredentials(client, names).fetch)


def test_token_comes_from_the_client_credentials_flow_and_is_kept(
    client: Any, app_client: tuple[str, str, str]
) -> None:
    with serving() as server:
        server.answers["/oauth2/token"] = 200, {}, {"access_token": "secret", "expires_in": 3600}
        token = tokens(client, app_client, f"{server.url}/oauth2/token")

        assert [token("alsolike/events.write"), token("alsolike/events.write")] == ["secret", "secret"]
        token("alsolike/recommendations.read")

    basic = base64.b64encode(f"{app_client[1]}:{app_client[2]}".encode()).decode()
    assert server.requests == [
        ("/oauth2/token", f"Basic {basic}", "grant_type=client_credentials&scope=alsolike%2Fevents.write"),
        ("/oauth2/token", f"Basic {basic}", "grant_type=client_credentials&scope=alsolike%2Frecommendations.read"),
    ]


def test_refused_token_is_an_error_with_the_reason(client: Any, app_client: tuple[str, str, str]) -> None:
    with serving() as server:
        server.answers["/oauth2/token"] = 400, {}, {"error": "invalid_client"}

        with pytest.raises(Unavailable, match=r"refused a token for alsolike/events\.write: 400 .*invalid_client"):
            tokens(client, app_client, f"{server.url}/oauth2/token")("alsolike/events.write")


def test_token_is_renewed_shortly_before_it_ends() -> None:
    fetched: list[str] = []

    def fetch(scope: str) -> tuple[str, float]:
        fetched.append(scope)
        return f"token {len(fetched)}", 30.0

    token = Tokens(fetch)

    assert (token("a"), token("a")) == ("token 1", "token 2")  # 30 s is less than the 60 s before its end
