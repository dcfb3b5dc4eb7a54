"""Decision of the gate on a model version, with the figures of each check. Decisions never expire.

The key in the artefact bucket is `registry/decisions/<version>.json`, for every verdict.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import orjson

from alsolike.declarations.storage import DECISIONS_PREFIX
from alsolike.registry.champion_pointer import check_reason
from alsolike.runtime.client_protocols import S3Client
from alsolike.runtime.errors import ConcurrentUpdate, InvalidBundle, InvalidInput, NotFound
from alsolike.runtime.s3 import S3Object

APPROVED, WAITING, REJECTED = "approved", "waiting", "rejected"

LATEST_EVENT = "latest training event"
"""Name of the check that compares the times of the latest training interactions of candidate and champion."""


@dataclasses.dataclass(frozen=True, slots=True)
class Check:
    """Result of one check of the gate.

    Attributes
    ----------
    figures
        Sentence with the reason and its figures.
    values
        Numbers in the sentence, by name.
    final
        True if operators cannot override a failure, because serving would fail.
    waits
        True if the check failed only for lack of evidence.
    """

    name: str
    passed: bool
    figures: str
    values: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    final: bool = False
    waits: bool = False

    def __str__(self) -> str:
        result = "passed" if self.passed else "waits" if self.waits else "failed"
        return f"{result}: {self.name}: {self.figures}"


@dataclasses.dataclass(frozen=True, slots=True)
class Decision:
    """Decision of the gate on one version.

    Attributes
    ----------
    champion
        Champion at the time of the decision; None if there was no champion.
    forced
        Operator's reason for the latest promotion or canary despite a rejection; None if the rejection was not
        overridden.
    """

    version: str
    decided_ms: int
    champion: str | None
    checks: tuple[Check, ...]
    forced: str | None = None

    @property
    def passed(self) -> bool:
        return all(check.passed for check in self.checks)

    @property
    def verdict(self) -> str:
        """`approved`, `waiting` (for evidence or an operator's promotion) or `rejected`, regardless of overrides."""
        if self.passed:
            return APPROVED
        return WAITING if all(check.passed or check.waits for check in self.checks) else REJECTED

    @property
    def champion_of_same_data(self) -> str | None:
        """Champion at the time of the decision, if the version has no later training interactions than this champion;
        else None.
        """
        times = next((check.values for check in self.checks if check.name == LATEST_EVENT), {})
        own, other = times.get("last_event_ms"), times.get("champion_last_event_ms")
        return None if own is None or other is None or own > other else self.champion

    def force(self, reason: str) -> Decision:
        """Return the decision with an override. An approved decision is returned unchanged."""
        check_reason(reason)
        if self.passed:
            return self
        if final := [str(check) for check in self.checks if check.final and not check.passed]:
            raise InvalidInput(f"model version {self.version!r} cannot be served or forced: {'; '.join(final)}")
        return dataclasses.replace(self, forced=reason.strip())

    def to_json(self) -> bytes:
        return orjson.dumps({**dataclasses.asdict(self), "verdict": self.verdict}, option=orjson.OPT_INDENT_2)

    @classmethod
    def from_json(cls, data: bytes) -> Decision:
        try:
            document = orjson.loads(data)
            document.pop("verdict")
            checks = tuple(Check(**check) for check in document.pop("checks"))
            return cls(checks=checks, **document)
        except (orjson.JSONDecodeError, KeyError, TypeError) as error:
            raise InvalidBundle(f"the decision is unreadable: {error}") from error


def decision_key(version: str) -> str:
    return f"{DECISIONS_PREFIX}{version}.json"


class Decisions:
    def __init__(self, client: S3Client, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def get(self, version: str) -> Decision | None:
        stored = self._read(version)
        return stored[0] if stored else None

    def keep(self, decision: Decision) -> Decision:
        """Store the decision on a version, unless one exists. Return the stored decision."""
        try:
            self._write(decision, etag=None)
        except ConcurrentUpdate:
            return self.get(decision.version) or decision
        return decision

    def force(self, version: str, *, reason: str) -> Decision:
        """Store the reason for overriding the gate's rejection of a version. An approved decision remains unchanged."""
        if (stored := self._read(version)) is None:
            raise NotFound(f"the gate made no decision on model version {version!r}")
        decision, etag = stored
        if (forced := decision.force(reason)) != decision:
            self._write(forced, etag=etag)
        return forced

    def _read(self, version: str) -> tuple[Decision, str] | None:
        stored = self._object(version).read()
        return (Decision.from_json(stored.body), stored.etag) if stored else None

    def _write(self, decision: Decision, *, etag: str | None) -> None:
        self._object(decision.version).replace(decision.to_json(), etag=etag)

    def _object(self, version: str) -> S3Object:
        return S3Object(self._client, self._bucket, decision_key(version))
