"""Client of a deployment's HTTP API. Throttled requests are retried after a pause."""

from __future__ import annotations

import dataclasses
import http.client
import random
import ssl
import threading
import time
import urllib.parse
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import orjson

from alsolike.api.path_ids import path_segment
from alsolike.declarations.routes import SIGNED_PREFIX
from alsolike.runtime.errors import ConcurrentUpdate, InvalidInput, NotFound, Unavailable
from operations.client.deployment import Deployment

_TIMEOUT_S = 30
_MAX_ATTEMPTS = 5
_PAUSE_S = 1.0
"""Default pause after a throttled request, in seconds. API Gateway sends no Retry-After header."""
_LONGEST_PAUSE_S = 30.0
_LARGEST_PAGE = 1000
_ARN = "arn:aws:personalize::"
"""Prefix of an ARN in Personalize's format. The API reads only the last segment of an ARN."""


@dataclasses.dataclass(frozen=True, slots=True)
class RecommendedItem:
    """Recommended item with the requested metadata columns.

    Attributes
    ----------
    reasons
        Interactions that contributed most to the score, highest contribution first. The keys are `itemId`, `eventType`,
        `timestamp` (seconds since 1970) and `contribution`.
    """

    item_id: str
    score: float | None
    metadata: Mapping[str, str]
    reasons: tuple[Mapping[str, Any], ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Recommendations:
    """Response to a request for recommendations.

    Attributes
    ----------
    items
        Recommended items, best first.
    source
        Source of the ranking: `model`, `similar`, `recent`, `popular`, `trending` or `none`.
    filled
        Number of popular items at the end of the list, after the ranked items.
    cold
        Number of items that the model does not contain.
    degraded
        Reason for a degraded response; None for a complete one.
    rules, unmet_rules
        Name of the applied rule set, and the rules in it that could not be met.
    unknown_columns
        Requested metadata columns that do not exist.
    duration_ms
        Time from sending the request to parsing the response, in milliseconds.
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


class Api:
    """Client of one deployment's API. It is thread-safe; each thread keeps one connection open."""

    def __init__(self, deployment: Deployment) -> None:
        url = urllib.parse.urlsplit(deployment.names.api_url)
        self._scheme, self._host, self._base = url.scheme, url.netloc, url.path.rstrip("/")
        self._certificate = deployment.certificate
        self._key = deployment.key
        self._region = deployment.names.region
        self._tracking_id = deployment.names.tracking_id
        names = deployment.names
        self._datasets = {"items": ("itemId", names.items_dataset_arn), "users": ("userId", names.users_dataset_arn)}
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
        """Return the `k` best items, personalised if a user is passed.

        Parameters
        ----------
        cart
            Items in the cart, for the recommender `bought-together`.

        Raises
        ------
        InvalidInput, NotFound, Unavailable
            If the API responds with an error.
        """
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
        started = time.perf_counter()
        document, headers = self._post("/recommendations", body)
        duration_ms = (time.perf_counter() - started) * 1000
        items = tuple(
            RecommendedItem(
                item["itemId"],
                item.get("score"),
                item.get("metadata") or {},
                tuple(orjson.loads(reason) for reason in item.get("reason") or ()),
            )
            for item in document["itemList"]
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

    def put_events(self, user_id: str, events: Sequence[Mapping[str, Any]], *, session_id: str) -> None:
        """Send 1 to 10 events of one user.

        Raises
        ------
        InvalidInput, NotFound, Unavailable
            If the API responds with an error.
        """
        body = {
            "trackingId": self._tracking_id,
            "userId": user_id,
            "sessionId": session_id,
            "eventList": list(events),
        }
        self._post("/events", body)

    def put_row(self, plural: str, row_id: str, properties: Mapping[str, Any]) -> None:
        """Write an item or user. An existing row is replaced.

        Raises
        ------
        InvalidInput, NotFound, Unavailable
            If the API responds with an error.
        """
        id_field, arn = self._datasets[plural]
        row = {id_field: row_id, "properties": properties}
        self._post(f"/{plural}", {"datasetArn": arn, plural: [row]})

    def rows(self, plural: str, *, limit: int) -> Iterator[dict[str, Any]]:
        """Yield items or users in arbitrary order."""
        token = ""
        while limit > 0:
            query = f"?limit={min(limit, _LARGEST_PAGE)}" + (f"&nextToken={urllib.parse.quote(token)}" if token else "")
            page = self.administer("GET", f"/{plural}{query}")
            yield from page[plural]
            limit -= len(page[plural])
            if not (token := page.get("nextToken", "")):
                return

    def row(self, plural: str, row_id: str) -> dict[str, Any]:
        """Return an item or user with all columns."""
        return self.administer("GET", f"/{plural}/{path_segment(row_id)}")

    def set_row(self, plural: str, row_id: str, changes: Mapping[str, Any]) -> tuple[dict[str, Any], bool]:
        """Change columns of an item or user, or create the row. Return the row, and true if it was created."""
        try:
            return self.administer("PATCH", f"/{plural}/{path_segment(row_id)}", changes), False
        except NotFound:
            self.put_row(plural, row_id, {name: value for name, value in changes.items() if value is not None})
            return self.row(plural, row_id), True

    def administer(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Send a request to an administration route and return the response body.

        Raises
        ------
        InvalidInput, NotFound, ConcurrentUpdate, Unavailable
            If the API responds with an error.
        """
        return self._call(method, path, body)[0]

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
        """Return the headers of a request, including its signature."""
        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest
        from botocore.credentials import Credentials

        url = f"{self._scheme}://{self._host}{target}"
        request = AWSRequest(method, url, headers={"content-type": "application/json"}, data=data or b"")
        SigV4Auth(Credentials(*self._key()), "personalize", self._region).add_auth(request)
        return {name: str(value) for name, value in request.headers.items()}

    def _exchange(
        self, method: str, target: str, data: bytes | None, headers: Mapping[str, str]
    ) -> http.client.HTTPResponse:
        """Send a request on the connection of the current thread. Reconnect and retry if the server closed the
        connection.
        """
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
    said = f"{call} answered {status}: {message}"
    if status == 400:
        raise InvalidInput(said)
    if status == 404:
        raise NotFound(said)
    if status == 409:
        raise ConcurrentUpdate(said)
    raise Unavailable(said)


def _names(header: str) -> tuple[str, ...]:
    """Parse a comma-separated list of percent-encoded names."""
    return tuple(urllib.parse.unquote(name.strip()) for name in header.split(",") if name.strip())


def _version(header: str | None) -> str | None:
    """Return the model version of a response header. The header is `none` if no model is deployed."""
    return None if header in (None, "none") else header
