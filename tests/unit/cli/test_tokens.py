from __future__ import annotations

import base64
from typing import Any

import pytest

from alsolike.runtime.errors import Unavailable
from operations.client.tokens import ClientCredentials, Tokens
from tests.unit.cli.endpoints import serving


@pytest.fixture
def app_client(client: Any) -> tuple[str, str, str]:
    """Return a user pool's id, an app client's id and its secret."""
    cognito = client("cognito-idp")
    pool = cognito.create_user_pool(PoolName="shop")["UserPool"]["Id"]
    answer = cognito.create_user_pool_client(UserPoolId=pool, ClientName="shop", GenerateSecret=True)["UserPoolClient"]
    return pool, answer["ClientId"], answer["ClientSecret"]


def tokens(client: Any, app_client: tuple[str, str, str], url: str) -> Tokens:
    return Tokens(ClientCredentials(client, token_url=url, user_pool_id=app_client[0], client_id=app_client[1]).fetch)


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
