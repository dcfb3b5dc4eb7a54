"""Client of the recommendation routes of an API, with a key pair. Throttled requests are retried after a pause."""

from __future__ import annotations

import dataclasses
import http
import os
import random
import ssl
import time
import urllib.parse
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import orjson

from alsolike.declarations.routes import SIGNED_PREFIX
from alsolike.recommendations.request_fields import PERSONALIZED_RANKING
from alsolike.runtime.errors import ConcurrentUpdate, InvalidInput, NotFound, Unavailable

if TYPE_CHECKING:
    from botocore.awsrequest import AWSPreparedRequest, AWSResponse
    from botocore.httpsession import URLLib3Session

    from operations.keys import KeyPair

_TIMEOUT_S = 30
_MAX_ATTEMPTS = 5
_PAUSE_S = 1.0
"""Pause in seconds after a throttled request if the response has no header Retry-After. API Gateway sends none."""
_LONGEST_PAUSE_S = 30.0
"""Maximum pause in seconds that a Retry-After header can request. Each pause is randomly extended, at most doubled."""
_ARN = "arn:aws:personalize::"
"""Prefix of an ARN in Personalize's format. The API reads only the last segment of an ARN."""


@dataclasses.dataclass(frozen=True, slots=True)
class RecommendedItem:
    """Recommended item with the requested metadata columns.

    `reasons` are the interactions that contributed most to the score, highest contribution first. Their keys are
    `itemId`, `eventType`, `timestamp` (seconds since 1970) and `contribution`.
    """

    item_id: str
    score: float | None
    metadata: Mapping[str, str]
    reasons: tuple[Mapping[str, Any], ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Recommendations:
    """Response to a request for recommendations, best item first.

    `source` is `model`, `similar`, `recent`, `popular`, `trending` or `none`. `filled` is the number of popular items
    that fill up the list, and `cold` the number of ranked items that the model does not contain. `degraded` is None for
    a complete response.
    """

    items: tuple[RecommendedItem, ...]
    recommendation_id: str
    source: str
    filled: int
    cold: int
    model_version: str | None
    degraded: str | None
    duration_ms: float
    rules: str | None = None
    unmet_rules: str | None = None
    unknown_columns: tuple[str, ...] = ()


class SignedApi:
    """Client of one API's signed routes (below `SIGNED_PREFIX`). Threads may share it. It keeps connections open."""

    def __init__(
        self,
        url: str,
        key: Callable[[], KeyPair],
        *,
        region: str,
        certificate: Path | None = None,
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self._url, self._key, self._region, self._headers = f"{url.rstrip('/')}{SIGNED_PREFIX}", key, region, headers
        self._session = http_session(certificate=certificate)

    def recommendations(
        self,
        user_id: str | None,
        *,
        k: int,
        metadata: Sequence[str] = (),
        recommender: str | None = None,
        item_id: str | None = None,
        cart: Sequence[str] = (),
        filter_name: str | None = None,
        filter_values: Mapping[str, str] = MappingProxyType({}),
        explain: bool = False,
    ) -> Recommendations:
        """Return up to `k` items, best first, personalised if a user is passed."""
        given = {
            "userId": user_id,
            "itemId": item_id,
            "cart": list(cart),
            "recommenderArn": recommender and f"{_ARN}:recommender/{recommender}",
            "filterArn": filter_name and f"{_ARN}:filter/{filter_name}",
            "filterValues": dict(filter_values),
            "explain": explain,
        }
        body: dict[str, Any] = {"numResults": k, **{name: value for name, value in given.items() if value}}
        if metadata:
            body["metadataColumns"] = {"ITEMS": list(metadata)}
        return self._recommendations("POST", "/recommendations", body)

    def search(
        self, query: str, *, user_id: str | None = None, k: int, metadata: Sequence[str] = ()
    ) -> Recommendations:
        """Return up to `k` items that contain, for each word of the query, a word that starts with it.

        The items are ranked for the user, if one is passed.
        """
        given = {"query": query, "userId": user_id, "metadata": ",".join(metadata), "numResults": k}
        text = urllib.parse.urlencode({name: value for name, value in given.items() if value})
        return self._recommendations("GET", f"/search?{text}")

    def ranked(self, user_id: str, item_ids: Sequence[str], *, explain: bool = False) -> Recommendations:
        body = {
            "campaignArn": f"{_ARN}:campaign/{PERSONALIZED_RANKING}",
            "userId": user_id,
            "inputList": list(item_ids),
            "explain": explain,
        }
        return self._recommendations("POST", "/personalize-ranking", body)

    def _recommendations(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Recommendations:
        started = time.perf_counter()
        document, headers = self._call(method, path, body)
        duration_ms = (time.perf_counter() - started) * 1000
        items = tuple(
            RecommendedItem(
                item["itemId"],
                item.get("score"),
                item.get("metadata") or {},
                tuple(orjson.loads(reason) for reason in item.get("reason") or ()),
            )
            for item in document.get("itemList") or document.get("personalizedRanking", ())
        )
        return Recommendations(
            items,
            document.get("recommendationId", ""),
            source=headers.get("x-alsolike-source", ""),
            filled=int(headers.get("x-alsolike-filled", 0)),
            cold=int(headers.get("x-alsolike-cold-items", 0)),
            model_version=_version(headers.get("x-alsolike-model-version")),
            degraded=headers.get("x-alsolike-degraded"),
            rules=headers.get("x-alsolike-rules"),
            unmet_rules=headers.get("x-alsolike-rules-unmet"),
            unknown_columns=_names(headers.get("x-alsolike-unknown-columns", "")),
            duration_ms=duration_ms,
        )

    def _call(self, method: str, path: str, body: Mapping[str, Any] | None) -> tuple[dict[str, Any], dict[str, str]]:
        data = b"" if body is None else orjson.dumps(body)
        for attempt in range(1, _MAX_ATTEMPTS + 1):
            answer = self._send(method, path, data)
            if answer.status_code != http.HTTPStatus.TOO_MANY_REQUESTS or attempt == _MAX_ATTEMPTS:
                break
            pause_s = _pause_s(answer.headers.get("retry-after"))
            time.sleep(pause_s * random.uniform(1, 2))  # noqa: S311 - spreads callers in time
        text: bytes = answer.content
        if answer.status_code not in (200, 202):
            _raise_error(f"{method} {path}", answer.status_code, text)
        try:
            document: dict[str, Any] = orjson.loads(text) if text else {}
        except orjson.JSONDecodeError as error:
            raise Unavailable(f"{method} {path} returned a body that is not JSON: {text[:200]!r}") from error
        return document, {name.lower(): value for name, value in answer.headers.items()}

    def _send(self, method: str, path: str, data: bytes) -> AWSResponse:
        from botocore.exceptions import BotoCoreError

        url, key = f"{self._url}{path}", self._key()
        request = signed(method, url, data, key=key, region=self._region, headers=self._headers)
        try:
            return self._session.send(request)
        except BotoCoreError as error:
            raise Unavailable(f"{request.url}: {error}") from error


def http_session(*, certificate: Path | None = None, proxies: Mapping[str, str] | None = None) -> URLLib3Session:
    """Return an HTTP session that trusts only `certificate`.

    None selects the certificates of `AWS_CA_BUNDLE`, else those of the system, else the default of botocore.
    """
    from botocore.httpsession import URLLib3Session

    trusted = certificate or os.environ.get("AWS_CA_BUNDLE") or ssl.get_default_verify_paths().cafile
    return URLLib3Session(verify=str(trusted) if trusted else True, proxies=proxies, timeout=_TIMEOUT_S)


def signed(
    method: str,
    url: str,
    data: bytes,
    *,
    key: tuple[str, str],
    region: str,
    headers: Mapping[str, str] = MappingProxyType({}),
) -> AWSPreparedRequest:
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    request = AWSRequest(method, url, headers={"content-type": "application/json", **headers}, data=data)
    SigV4Auth(Credentials(*key), "personalize", region).add_auth(request)
    return request.prepare()


def _pause_s(retry_after: str | None) -> float:
    seconds = retry_after or ""
    return min(float(seconds), _LONGEST_PAUSE_S) if seconds.isdecimal() else _PAUSE_S


def _raise_error(call: str, status: int, text: bytes) -> None:
    try:
        message = orjson.loads(text).get("message", "")
    except (orjson.JSONDecodeError, AttributeError):
        message = text[:200].decode(errors="replace")
    failure = f"{call} answered {status}: {message}"
    if status == 400:
        raise InvalidInput(failure)
    if status == 404:
        raise NotFound(failure)
    if status == 409:
        raise ConcurrentUpdate(failure)
    raise Unavailable(failure)


def _names(header: str) -> tuple[str, ...]:
    """Parse a comma-separated list of percent-encoded names."""
    return tuple(urllib.parse.unquote(name.strip()) for name in header.split(",") if name.strip())


def _version(header: str | None) -> str | None:
    """Return the model version of a response header. The header is `none` if no model is deployed."""
    return None if header in (None, "none") else header
