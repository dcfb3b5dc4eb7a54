from __future__ import annotations

import dataclasses

PASSED, FAILED, UNKNOWN = "passed", "failed", "unknown"


@dataclasses.dataclass(frozen=True, slots=True)
class Finding:
    """Result of one check. A finding blocks if a deployment would fail."""

    check: str
    status: str
    reason: str
    advice: str = ""
    blocks: bool = False


def passed(check: str, reason: str) -> Finding:
    return Finding(check, PASSED, reason)


def failed(check: str, reason: str, advice: str, *, blocks: bool = False) -> Finding:
    return Finding(check, FAILED, reason, advice, blocks)


def unknown(check: str, reason: str, advice: str) -> Finding:
    """Return a check without a result, for example because AWS denied access."""
    return Finding(check, UNKNOWN, reason, advice)
