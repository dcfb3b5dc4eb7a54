"""The recommendation id: 40 characters that encode the model, the recommender, the arms and the time of an answer.

Thirty bytes, written in the letters of URLs (RFC 4648, section 5):

===== =====================================================================
bytes content
===== =====================================================================
1     the format, 10 in the upper half, and the recommender's number
6     time of the answer, in milliseconds since 1970, big-endian
4     of the model version's hash
3 x 3 of each arm's hash, by layer; zeros without an arm
6     random
4     of the hash of all before, which reveals truncated and changed ids
===== =====================================================================
"""

from __future__ import annotations

import base64
import functools
import hashlib
import os
import re
from collections.abc import Sequence
from types import MappingProxyType

from alsolike.runtime.errors import InvalidInput
from alsolike.runtime.struct import struct

RECOMMENDER_CODES = MappingProxyType(
    {
        "for-you": 0,
        "similar-items": 1,
        "bought-together": 2,
        "buy-again": 3,
        "trending": 4,
        "popular": 5,
        "recently-viewed": 6,
        "personalized-ranking": 7,
    }
)
MAX_ARMS = 3
"""So many arms there is room for: an answer is in one arm of each layer at most."""

LATEST_MS = 253_402_300_799_999
"""The end of the year 9999: later times have no date, and no id."""

_FORMAT = 0xA0
_VERSION_BYTES, _ARM_BYTES, _RANDOM_BYTES, _CHECK_BYTES = 4, 3, 6, 4
_NO_ARM = bytes(_ARM_BYTES)
_NAMES = MappingProxyType({code: name for name, code in RECOMMENDER_CODES.items()})
_FORM = re.compile(r"[A-Za-z0-9_-]{40}")


@struct
class RecommendationId:
    """The contents of an id.

    Attributes
    ----------
    version_tag, arm_tags
        Hashes of the model version and of the arms; see the functions of these names.
    """

    answered_ms: int
    recommender: str
    version_tag: str
    arm_tags: tuple[str, ...] = ()


@functools.lru_cache(maxsize=256)
def version_tag(version: str) -> str:
    """Return the 8 hexadecimal digits that stand for a model version."""
    return hashlib.blake2b(version.encode(), digest_size=_VERSION_BYTES).hexdigest()


@functools.lru_cache(maxsize=1024)
def arm_tag(arm: str) -> str:
    """Return the 6 hexadecimal digits that stand for an arm, which is named `experiment/arm`; never zeros."""
    tag = hashlib.blake2b(arm.encode(), digest_size=_ARM_BYTES).digest()
    return (tag if tag != _NO_ARM else b"\0\0\1").hex()


@functools.lru_cache(maxsize=256)
def _head(recommender: str, version: str, arms: tuple[str, ...]) -> tuple[bytes, bytes]:
    """Return the bytes before the time, and those between it and the random ones."""
    tags = [bytes.fromhex(arm_tag(arm)) for arm in arms]
    first = bytes((_FORMAT | RECOMMENDER_CODES[recommender],))
    return first, b"".join((bytes.fromhex(version_tag(version)), *tags, _NO_ARM * (MAX_ARMS - len(tags))))


def create(*, answered_ms: int, recommender: str, version: str, arms: Sequence[str] = ()) -> str:
    """Return a new id.

    Parameters
    ----------
    arms
        `experiment/arm` of each experiment that the answer is part of, `MAX_ARMS` at most.

    Raises
    ------
    KeyError
        If the recommender has no code.
    ValueError
        If there are more arms than there is room for.
    """
    if len(arms) > MAX_ARMS:
        raise ValueError(f"{len(arms)} arms, expected {MAX_ARMS} at most")
    first, tags = _head(recommender, version, tuple(arms))
    content = b"".join((first, answered_ms.to_bytes(6, "big"), tags, os.urandom(_RANDOM_BYTES)))
    return base64.urlsafe_b64encode(content + _check(content)).decode()


def parse(recommendation_id: str) -> RecommendationId:
    """Read an id.

    Raises
    ------
    InvalidInput
        If it was cut, changed, or never made by `create`.
    """
    content = base64.urlsafe_b64decode(recommendation_id) if _FORM.fullmatch(recommendation_id) else b"\0" * 30
    recommender = _NAMES.get(content[0] ^ _FORMAT)
    answered_ms = int.from_bytes(content[1:7], "big")
    sound = content[-_CHECK_BYTES:] == _check(content[:-_CHECK_BYTES])
    if recommender is None or not sound or answered_ms > LATEST_MS:
        raise InvalidInput(f"recommendationId {recommendation_id!r} was not made by this service")
    arms = [content[place : place + _ARM_BYTES] for place in range(11, 11 + MAX_ARMS * _ARM_BYTES, _ARM_BYTES)]
    return RecommendationId(
        answered_ms,
        recommender,
        content[7:11].hex(),
        tuple(arm.hex() for arm in arms if arm != _NO_ARM),
    )


def _check(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=_CHECK_BYTES).digest()
