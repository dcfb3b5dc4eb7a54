"""Requests to the routes of `operate`."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from alsolike.api.handler import is_read_only
from alsolike.api.path_ids import path_id
from alsolike.declarations.limits import MAX_OPERATOR_BODY_BYTES
from alsolike.declarations.metrics import Metric
from alsolike.runtime.errors import NotFound
from alsolike.runtime.http import request_body
from alsolike.runtime.names import MODEL_VERSION
from alsolike.runtime.observability import count, logger
from alsolike.schema import validation
from alsolike.schema.fields import Fields
from alsolike.schema.queries import read_query
from alsolike.signing.signed_requests import SIGNED_BY

_MAX_SUBJECT = 128


@dataclasses.dataclass(frozen=True, slots=True)
class OperatorRequest:
    event: Mapping[str, Any]
    now_ms: int
    remaining_ms: Callable[[], float]

    def body(self, fields: Fields) -> dict[str, Any]:
        return fields.read(validation.parse_sent_object(request_body(self.event, max_bytes=MAX_OPERATOR_BODY_BYTES)))

    def query(self, fields: Fields) -> dict[str, Any]:
        return read_query(self.event, fields)

    @property
    def version(self) -> str:
        """Model version in the path. Raises `NotFound` for a text that is not a version."""
        version = path_id(self.event, "version")
        if not MODEL_VERSION.fullmatch(version):
            raise NotFound(f"there is no model version {validation.describe(version)}")
        return version

    @property
    def by(self) -> str:
        """Sender: the token's subject, which is a random user ID of the pool, or the client of the signing key."""
        if SIGNED_BY in self.event:
            return str(self.event[SIGNED_BY])
        return str(self.event["requestContext"]["authorizer"]["jwt"]["claims"]["sub"])[:_MAX_SUBJECT]

    @property
    def read_only(self) -> bool:
        return SIGNED_BY not in self.event and is_read_only(self.event)

    def signed(self, reason: str | None) -> str:
        """Return a reason with its sender, as it is stored. Without a reason, return only the sender."""
        return f"{reason} (operator {self.by})" if reason else f"operator {self.by}"

    def note(self, action: str, **fields: Any) -> None:
        count(Metric.OPERATOR_CHANGES)
        request_id = self.event["requestContext"]["requestId"]
        logger.info("operator change", action=action, by=self.by, request_id=request_id, **fields)
