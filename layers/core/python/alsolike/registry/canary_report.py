"""Report of a version's canary with the results of the latest looks. Reports never expire.

The key in the artefact bucket is `registry/canaries/<version>.json`. A later canary of the version replaces the report.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import orjson

from alsolike.declarations.storage import CANARIES_PREFIX
from alsolike.runtime.client_protocols import S3Client
from alsolike.runtime.errors import InvalidBundle
from alsolike.runtime.s3 import S3Object

GOING, PROMOTED, ROLLED_BACK = "going", "promoted", "rolled_back"

MAX_LOOKS = 500


@dataclasses.dataclass(frozen=True, slots=True)
class CanaryLook:
    """Result of one look at a canary.

    Attributes
    ----------
    reasons
        Reasons with their figures, one sentence each.
    figures
        Metrics of the arms and tests. Empty if no responses were compared.
    breached
        True if the version failed a test.
    """

    at_ms: int
    state: str
    reasons: tuple[str, ...]
    figures: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    breached: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class CanaryReport:
    """Report of a canary. The last look contains the result.

    Attributes
    ----------
    champion
        Champion with which the version is compared; None if there is no champion.
    looks
        Latest `MAX_LOOKS` looks, earliest first.
    reason
        Reason for the workflow run.
    """

    version: str
    run_id: str
    champion: str | None
    share: float
    started_ms: int
    ends_ms: int
    looks: tuple[CanaryLook, ...]
    reason: str = ""

    @property
    def state(self) -> str:
        return self.looks[-1].state

    @property
    def reasons(self) -> tuple[str, ...]:
        return self.looks[-1].reasons

    def with_look(self, look: CanaryLook) -> CanaryReport:
        return dataclasses.replace(self, looks=(*self.looks, look)[-MAX_LOOKS:])

    def to_json(self) -> bytes:
        document = {"state": self.state, "reasons": self.reasons, **dataclasses.asdict(self)}
        return orjson.dumps(document, option=orjson.OPT_INDENT_2)

    @classmethod
    def from_json(cls, data: bytes) -> CanaryReport:
        try:
            document = orjson.loads(data)
            fields = {name: value for name, value in document.items() if name not in ("state", "reasons", "looks")}
            looks = tuple(CanaryLook(**{**look, "reasons": tuple(look["reasons"])}) for look in document["looks"])
            if not looks:
                raise ValueError("it has no look")
            return cls(looks=looks, **fields)
        except (ValueError, KeyError, TypeError) as error:
            raise InvalidBundle(f"the report of the canary is unreadable: {error}") from error


class CanaryReports:
    def __init__(self, client: S3Client, bucket: str) -> None:
        self._client, self._bucket = client, bucket

    def read(self, version: str) -> CanaryReport | None:
        stored = S3Object(self._client, self._bucket, report_key(version)).read()
        return CanaryReport.from_json(stored.body) if stored else None

    def write(self, report: CanaryReport) -> None:
        S3Object(self._client, self._bucket, report_key(report.version)).write(report.to_json())


def report_key(version: str) -> str:
    return f"{CANARIES_PREFIX}{version}.json"
