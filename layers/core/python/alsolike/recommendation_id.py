"""The recommendation id: 40 characters at most that say by themselves which model answered, for what, and when.

Layout, joined by `-`: the time in milliseconds (base 36), the recommender's code, 8 hexadecimal digits of the
model version's hash, 6 random digits, 4 check digits.
"""

from __future__ import annotations

import dataclasses
import hashlib
import secrets
from types import MappingProxyType

from alsolike.errors import InvalidInput

RECOMMENDER_CODES = MappingProxyType({"for-you": "fy"})

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


@dataclasses.dataclass(frozen=True, slots=True)
class RecommendationId:
    """What an id says."""

    answered_ms: int
    recommender: str
    version_tag: str


def version_tag(version: str) -> str:
    """Return the 8 digits that stand for a model version."""
    return hashlib.blake2b(version.encode(), digest_size=4).hexdigest()


def create(*, answered_ms: int, recommender: str, version: str) -> str:
    """Return a new id.

    Raises
    ------
    KeyError
        If the recommender has no code.
    """
    code = RECOMMENDER_CODES[recommender]
    text = f"{_base36(answered_ms)}-{code}-{version_tag(version)}-{secrets.token_hex(3)}"
    return f"{text}-{_check(text)}"


def parse(recommendation_id: str) -> RecommendationId:
    """Read an id.

    Raises
    ------
    InvalidInput
        If it was cut, changed, or never made by `create`.
    """
    text, _, check = recommendation_id.rpartition("-")
    parts = text.split("-")
    recommenders = {code: name for name, code in RECOMMENDER_CODES.items()}
    if len(parts) != 4 or check != _check(text) or parts[1] not in recommenders:
        raise InvalidInput(f"recommendationId {recommendation_id!r} was not made by this service")
    return RecommendationId(int(parts[0], 36), recommenders[parts[1]], parts[2])


def _check(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=2).hexdigest()


def _base36(number: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = _DIGITS[digit] + digits
    return digits or "0"
