"""Client of the recommendation routes of an API, with a key pair. Throttled requests are retried after a pause."""

from __future__ import annotations

import dataclasses
import http.client
import random
import ssl
import threading
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
    """Client of an API. It is thread-safe; each thread keeps one connection open."""

    def __init__(
        self,
        url: str,
        key: Callable[[], KeyPair],
        *,
        region: str,
        certificate: Path | None = None,
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        parts = urllib.parse.urlsplit(url)
        self._scheme, self._host, self._base = parts.scheme, parts.netloc, parts.path.rstrip("/")
        self._key, self._region, self._certificate = key, region, certificate
        self._headers = {"content-type": "application/json", **headers}
        self._local = threading.local()

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

    def _post(self, path: str, body: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
        return self._call("POST", path, body)

    def _call(self, method: str, path: str, body: Mapping[str, Any] | None) -> tuple[dict[str, Any], dict[str, str]]:
        target = f"{self._base}{SIGNED_PREFIX}{path}"
        data = None if body is None else orjson.dumps(body)
        for attempt in range(1, _MAX_ATTEMPTS + 1):
            answer, text = self._send(method, target, data)
            if answer.status != http.HTTPStatus.TOO_MANY_REQUESTS or attempt == _MAX_ATTEMPTS:
                break
            pause_s = _pause_s(answer.getheader("retry-after"))
            time.sleep(pause_s * random.uniform(1, 2))  # noqa: S311 - spreads callers in time
        if answer.status not in (200, 202):
            _raise_error(f"{method} {path}", answer.status, text)
        try:
            document: dict[str, Any] = orjson.loads(text) if text else {}
        except orjson.JSONDecodeError as error:
            raise Unavailable(f"{method} {path} returned a body that is not JSON: {text[:200]!r}") from error
        return document, {name.lower(): value for name, value in answer.getheaders()}

    def _send(self, method: str, target: str, data: bytes | None) -> tuple[http.client.HTTPResponse, bytes]:
        headers = self._signed(method, target, data)
        try:
            answer = self._exchange(method, target, data, headers)
            return answer, answer.read()
        except (OSError, http.client.HTTPException) as error:
            self._close()
            raise Unavailable(f"{self._scheme}://{self._host}{target}: {error!r}") from error

    def _signed(self, method: str, target: str, data: bytes | None) -> dict[str, str]:
        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest
        from botocore.credentials import Credentials

        url = f"{self._scheme}://{self._host}{target}"
        request = AWSRequest(method, url, headers=dict(self._headers), data=data or b"")
        SigV4Auth(Credentials(*self._key()), "personalize", self._region).add_auth(request)
        return {name: str(value) for name, value in request.headers.items()}

    def _exchange(
        self, method: str, target: str, data: bytes | None, headers: Mapping[str, str]
    ) -> http.client.HTTPResponse:
        # The server may have closed the open connection.
        connection: http.client.HTTPConnection | None = getattr(self._local, "connection", None)
        if connection is not None:
            try:
                connection.request(method, target, data, dict(headers))
                return connection.getresponse()
            except (ConnectionError, http.client.HTTPException):
                self._close()
        self._local.connection = connection = self._connect()
        connection.request(method, target, data, dict(headers))
        return connection.getresponse()

    def _connect(self) -> http.client.HTTPConnection:
        if self._scheme == "http":
            return http.client.HTTPConnection(self._host, timeout=_TIMEOUT_S)
        context = ssl.create_default_context(cafile=self._certificate)
        return http.client.HTTPSConnection(self._host, timeout=_TIMEOUT_S, context=context)

    def _close(self) -> None:
        if (connection := getattr(self._local, "connection", None)) is not None:
            connection.close()
            self._local.connection = None


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
