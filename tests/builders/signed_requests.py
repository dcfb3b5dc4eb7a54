"""Requests signed by botocore, as API Gateway passes them to functions."""

from __future__ import annotations

import datetime as dt
from typing import Any
from unittest import mock
from urllib.parse import unquote, urlsplit

import botocore.auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

NOW_S = 1_790_000_000.0
KEY_ID, SECRET = "ALSOABCDEFGHIJKLMNOP", "s" * 40


class _EncodesOnce(botocore.auth.SigV4Auth):  # type: ignore[misc]  # botocore has no types
    def _normalize_url_path(self, path: str) -> str:
        return path


def sign(
    *,
    url: str = "https://api.example/personalize/recommendations",
    method: str = "POST",
    body: str = '{"userId":"42"}',
    route: str | None = None,
    key_id: str = KEY_ID,
    secret: str = SECRET,
    token: str | None = None,
    service: str = "personalize",
    region: str = "eu-west-1",
    at_s: float = NOW_S,
    encodes_twice: bool = True,
    **headers: str,
) -> dict[str, Any]:
    """Return a request that was signed at the time `at_s`.

    Parameters
    ----------
    route
        Path template of the route, if it has variables.
    headers
        Additional headers, with `_` instead of `-`.
    """
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    request = AWSRequest(method, url, headers={"content-type": "application/json", **sent}, data=body.encode())
    signer = (botocore.auth.SigV4Auth if encodes_twice else _EncodesOnce)(
        Credentials(key_id, secret, token), service, region
    )
    now = dt.datetime.fromtimestamp(at_s, dt.UTC).replace(tzinfo=None)
    with mock.patch.object(botocore.auth, "get_current_datetime", return_value=now):
        signer.add_auth(request)
    parts = urlsplit(url)
    path = unquote(parts.path)
    return {
        "version": "2.0",
        "routeKey": f"{method} {route or path}",
        "rawPath": path,
        "rawQueryString": parts.query,
        "headers": {"host": parts.netloc, **{name.lower(): str(value) for name, value in request.headers.items()}},
        "requestContext": {
            "http": {"method": method, "path": path, "sourceIp": "192.0.2.1"},
            "requestId": "r1",
            "stage": "$default",
        },
        "body": body,
        "isBase64Encoded": False,
    }
