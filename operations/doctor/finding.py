from __future__ import annotations

import dataclasses

PASSED, FAILED, UNKNOWN = "passed", "failed", "unknown"


@dataclasses.dataclass(frozen=True, slots=True)
class Finding:
    """Result of one check.

    Attributes
    ----------
    check
        Subject of the check, such as `Lambda concurrency`.
    status
        `passed`, `failed` or `unknown`.
    reason
        Measured and expected value.
    advice
        Next step. Empty if the check passed.
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
    """Return a failed check. `blocks` is true if a deployment would fail."""
    return Finding(check, FAILED, reason, advice, blocks)


def unknown(check: str, reason: str, advice: str) -> Finding:
    """Return a check without a result, for example because AWS denied access."""
    return Finding(check, UNKNOWN, reason, advice)
