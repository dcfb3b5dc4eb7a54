"""Access tokens of the API's client credentials flow."""

from __future__ import annotations

import base64
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from typing import Any

import orjson

from alsolike.runtime.errors import Unavailable
from operations.client.aws import translate_aws_errors

_TOKEN_TIMEOUT_S = 10
_RENEW_BEFORE_S = 60


class Tokens:
    """Access tokens by scope, kept in memory until shortly before they end.

    Parameters
    ----------
    fetch
        Returns a new token with a scope, and for how many seconds it is good.
    """

    def __init__(self, fetch: Callable[[str], tuple[str, float]]) -> None:
        self._fetch = fetch
        self._tokens: dict[str, tuple[str, float]] = {}

    def __call__(self, scope: str) -> str:
        """Return a token with `scope`."""
        token, ends = self._tokens.get(scope, ("", 0.0))
        if time.monotonic() > ends - _RENEW_BEFORE_S:
            token, lifetime_s = self._fetch(scope)
            self._tokens[scope] = token, time.monotonic() + lifetime_s
        return token


class ClientCredentials:
    """Cognito's client credentials flow.

    Parameters
    ----------
    client
        Returns boto3 clients; that of Cognito returns the app client's secret.
    token_url
        The token endpoint.
    """

    def __init__(self, client: Callable[[str], Any], *, token_url: str, user_pool_id: str, client_id: str) -> None:
        self._client = client
        self._token_url = token_url
        self._user_pool_id = user_pool_id
        self._client_id = client_id
        self._secret: str | None = None

    def fetch(self, scope: str) -> tuple[str, float]:
        """Return a new token with `scope`, and for how many seconds it is good.

        Raises
        ------
        Unavailable
            If Cognito refuses or does not answer.
        """
        url = self._token_url
        basic = base64.b64encode(f"{self._client_id}:{self._client_secret()}".encode()).decode()
        request = urllib.request.Request(  # noqa: S310 - the deployment's own address
            url,
            data=urllib.parse.urlencode({"grant_type": "client_credentials", "scope": scope}).encode(),
            headers={"Authorization": f"Basic {basic}", "Content-Type": "application/x-www-form-urlencoded"},
        )
        try:
            with urllib.request.urlopen(request, timeout=_TOKEN_TIMEOUT_S) as answer:  # noqa: S310
                document = orjson.loads(answer.read())
            return str(document["access_token"]), float(document["expires_in"])
        except urllib.error.HTTPError as error:
            said = error.read().decode(errors="replace")[:200]
            raise Unavailable(f"{url} refused a token for {scope}: {error.code} {said}") from error
        except (OSError, orjson.JSONDecodeError, KeyError, TypeError) as error:
            raise Unavailable(f"{url} gave no token for {scope}: {error!r}") from error

    def _client_secret(self) -> str:
        if self._secret is None:
            with translate_aws_errors(f"app client {self._client_id}"):
                answer = self._client("cognito-idp").describe_user_pool_client(
                    UserPoolId=self._user_pool_id, ClientId=self._client_id
                )
            self._secret = str(answer["UserPoolClient"]["ClientSecret"])
        return self._secret
