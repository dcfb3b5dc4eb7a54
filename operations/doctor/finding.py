"""The result of one check."""

from __future__ import annotations

import dataclasses

PASSED, FAILED, UNKNOWN = "passed", "failed", "unknown"


@dataclasses.dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check.

    Attributes
    ----------
    check
        The subject, such as `Lambda concurrency`.
    status
        `passed`, `failed` or `unknown`.
    reason
        The measured value and the expectation.
    advice
        The next step; empty if the check passed.
    blocks
        True if a deployment would fail.
    """

    check: str
    status: str
    reason: str
    advice: str = ""
    blocks: bool = False


def passed(check: str, reason: str) -> Finding:
    return Finding(check, PASSED, reason)


def failed(check: str, reason: str, advice: str, *, blocks: bool = False) -> Finding:
    """Return a check that failed; `blocks` if a deployment would fail."""
    return Finding(check, FAILED, reason, advice, blocks)


def unknown(check: str, reason: str, advice: str) -> Finding:
    """Return a check that could not be decided."""
    return Finding(check, UNKNOWN, reason, advice)
