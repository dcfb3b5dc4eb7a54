"""The report of a version's canary: the results of every look, stored as long as the registry.

Its key is `registry/canaries/<version>.json` in the artefact bucket; a later canary of the version starts a new report.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import orjson

from alsolike.declarations.storage import CANARIES_PREFIX
from alsolike.runtime.clients import ObjectClient
from alsolike.runtime.errors import InvalidBundle
from alsolike.runtime.s3 import S3Object

GOING, PROMOTED, ROLLED_BACK = "going", "promoted", "rolled_back"

MAX_LOOKS = 500
"""Maximum number of stored looks, the latest ones."""


@dataclasses.dataclass(frozen=True, slots=True)
class CanaryLook:
    """The result of a look.

    Attributes
    ----------
    state
        `going`, `promoted` or `rolled_back`.
    reasons
        The reasons with the figures, one sentence each.
    figures
        Of each arm and of each test; empty if no answers were compared.
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
    """A canary from its start on; its last look has the result.

    Attributes
    ----------
    champion
        The version that it was compared with; None if there was no champion.
    looks
        The earliest first, at most `MAX_LOOKS`.
    reason
        The workflow's reason for the run.
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
        """`going`, `promoted` or `rolled_back`."""
        return self.looks[-1].state

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why."""
        return self.looks[-1].reasons

    def with_look(self, look: CanaryLook) -> CanaryReport:
        """Return the report with one look more."""
        return dataclasses.replace(self, looks=(*self.looks, look)[-MAX_LOOKS:])

    def to_json(self) -> bytes:
        """Return the report as indented JSON, with its `state` and `reasons` first."""
        document = {"state": self.state, "reasons": self.reasons, **dataclasses.asdict(self)}
        return orjson.dumps(document, option=orjson.OPT_INDENT_2)

    @classmethod
    def from_json(cls, data: bytes) -> CanaryReport:
        """Read a report.

        Raises
        ------
        InvalidBundle
            If it is unreadable.
        """
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
    """The reports of one deployment."""

    def __init__(self, client: ObjectClient, bucket: str) -> None:
        self._client, self._bucket = client, bucket

    def read(self, version: str) -> CanaryReport | None:
        """Return the report of a version; None if it was never on trial."""
        stored = S3Object(self._client, self._bucket, report_key(version)).read()
        return CanaryReport.from_json(stored.body) if stored else None

    def write(self, report: CanaryReport) -> None:
        """Store a report in place of the one before."""
        S3Object(self._client, self._bucket, report_key(report.version)).write(report.to_json())


def report_key(version: str) -> str:
    """Return the key of the report of a version's canary in the artefact bucket."""
    return f"{CANARIES_PREFIX}{version}.json"
