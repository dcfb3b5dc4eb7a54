"""The recommendation id: 40 characters at most that say by themselves which model answered, for what, and when.

Layout, joined by `-`: the time in milliseconds (base 36), the recommender's code, 8 hexadecimal digits of the
model version's hash, 6 random digits, 4 check digits.
"""

from __future__ import annotations

import dataclasses
import hashlib
import re
import secrets
from types import MappingProxyType

from alsolike.errors import InvalidInput

RECOMMENDER_CODES = MappingProxyType(
    {
        "for-you": "fy",
        "similar-items": "si",
        "bought-together": "bt",
        "buy-again": "ba",
        "trending": "tr",
        "popular": "po",
        "recently-viewed": "rv",
        "personalized-ranking": "pr",
    }
)

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_FORM = re.compile(r"(?P<text>([0-9a-z]{1,12})-([a-z]{2})-([0-9a-f]{8})-[0-9a-f]{6})-(?P<check>[0-9a-f]{4})")


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
    recommenders = {code: name for name, code in RECOMMENDER_CODES.items()}
    form = _FORM.fullmatch(recommendation_id)
    if form is None or form["check"] != _check(form["text"]) or form[3] not in recommenders:
        raise InvalidInput(f"recommendationId {recommendation_id!r} was not made by this service")
    return RecommendationId(int(form[2], 36), recommenders[form[3]], form[4])


def _check(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=2).hexdigest()


def _base36(number: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = _DIGITS[digit] + digits
    return digits or "0"
