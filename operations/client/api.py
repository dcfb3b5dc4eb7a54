"""Client of a deployment's HTTP API: recommendations, events, items, users, and other routes by their path."""

from __future__ import annotations

import time
import urllib.parse
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from alsolike.api.path_ids import path_segment
from alsolike.declarations.limits import MAX_PAGE_SIZE
from alsolike.runtime.errors import NotFound, Unavailable
from operations.client.deployment import Deployment
from operations.client.signed_api import Recommendations, SignedApi

MODEL_TIMEOUT_S = 120.0


class Api(SignedApi):
    """Client of one deployment's API, with the key pair of the command line."""

    def __init__(self, deployment: Deployment) -> None:
        names = deployment.names
        super().__init__(names.api_url, deployment.key, region=names.region, certificate=deployment.certificate)
        self._tracking_id = names.tracking_id
        self._datasets = {"items": ("itemId", names.items_dataset_arn), "users": ("userId", names.users_dataset_arn)}

    def put_events(self, user_id: str, events: Sequence[Mapping[str, Any]], *, session_id: str) -> None:
        """Send 1 to 10 events of one user."""
        body = {
            "trackingId": self._tracking_id,
            "userId": user_id,
            "sessionId": session_id,
            "eventList": list(events),
        }
        self._call("POST", "/events", body)

    def wait_for_model(self, version: str, user_id: str, *, k: int) -> Recommendations:
        """Wait until the API recommends with the model `version`, and return this response of `k` items."""
        deadline = time.monotonic() + MODEL_TIMEOUT_S
        while (answer := self.recommendations(user_id, k=k)).model_version != version:
            if time.monotonic() > deadline:
                raise Unavailable(
                    f"after {MODEL_TIMEOUT_S:g} s the API still serves {answer.model_version}, expected {version}"
                )
            time.sleep(0.05)
        return answer

    def put_row(self, plural: str, row_id: str, properties: Mapping[str, Any]) -> None:
        """Write an item or user. An existing row is replaced."""
        id_field, arn = self._datasets[plural]
        row = {id_field: row_id, "properties": properties}
        self._call("POST", f"/{plural}", {"datasetArn": arn, plural: [row]})

    def rows(self, plural: str, *, limit: int) -> Iterator[dict[str, Any]]:
        """Yield up to `limit` items or users in arbitrary order."""
        token = ""
        while limit > 0:
            query = f"?limit={min(limit, MAX_PAGE_SIZE)}" + (f"&nextToken={urllib.parse.quote(token)}" if token else "")
            page = self.administer("GET", f"/{plural}{query}")
            yield from page[plural]
            limit -= len(page[plural])
            if not (token := page.get("nextToken", "")):
                return

    def row(self, plural: str, row_id: str) -> dict[str, Any]:
        return self.administer("GET", f"/{plural}/{path_segment(row_id)}")

    def set_row(self, plural: str, row_id: str, changes: Mapping[str, Any]) -> tuple[dict[str, Any], bool]:
        """Change columns of an item or user, or create the row. Null removes a column.

        Return the row, and true if it was created.
        """
        try:
            return self.administer("PATCH", f"/{plural}/{path_segment(row_id)}", changes), False
        except NotFound:
            self.put_row(plural, row_id, {name: value for name, value in changes.items() if value is not None})
            return self.row(plural, row_id), True

    def administer(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Send a request to an administration route and return the response body."""
        return self._call(method, path, body)[0]
