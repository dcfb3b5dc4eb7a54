"""The gate's decision on a model version: each check with its figures, stored for as long as the registry is.

It lies at `registry/decisions/<version>.json` in the artefact bucket, whether the version was let through or not.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import orjson

from alsolike.errors import InvalidBundle

DECISIONS_PREFIX = "registry/decisions/"

APPROVED, REJECTED = "approved", "rejected"


@dataclasses.dataclass(frozen=True, slots=True)
class Check:
    """One condition, and the figures that decided it.

    Attributes
    ----------
    figures
        The sentence that says why.
    values
        The numbers in it, by name.
    """

    name: str
    passed: bool
    figures: str
    values: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def __str__(self) -> str:
        return f"{'passed' if self.passed else 'failed'}: {self.name}: {self.figures}"


@dataclasses.dataclass(frozen=True, slots=True)
class Decision:
    """What the gate found.

    Attributes
    ----------
    champion
        Whom the version was compared with; None where there was none.
    forced
        Why somebody let it through all the same; None where nobody did.
    """

    version: str
    decided_ms: int
    champion: str | None
    checks: tuple[Check, ...]
    forced: str | None = None

    @property
    def passed(self) -> bool:
        """Whether every check passed."""
        return all(check.passed for check in self.checks)

    @property
    def verdict(self) -> str:
        """`approved` or `rejected`."""
        return APPROVED if self.passed or self.forced else REJECTED

    def to_json(self) -> bytes:
        """Return the decision as indented JSON."""
        return orjson.dumps({**dataclasses.asdict(self), "verdict": self.verdict}, option=orjson.OPT_INDENT_2)

    @classmethod
    def from_json(cls, data: bytes) -> Decision:
        """Read a decision.

        Raises
        ------
        InvalidBundle
            If it is unreadable.
        """
        try:
            document = orjson.loads(data)
            document.pop("verdict")
            checks = tuple(Check(**check) for check in document.pop("checks"))
            return cls(checks=checks, **document)
        except (orjson.JSONDecodeError, KeyError, TypeError) as error:
            raise InvalidBundle(f"the decision is unreadable: {error}") from error


def decision_key(version: str) -> str:
    """Return the key of a version's decision in the artefact bucket."""
    return f"{DECISIONS_PREFIX}{version}.json"
