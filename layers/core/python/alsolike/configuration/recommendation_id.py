"""Recommendation ID: 40 characters that encode the model, the recommender, the arms and the time of a response.

The ID is the base64url encoding (RFC 4648, section 5) of 30 bytes:

===== =====================================================================
bytes content
===== =====================================================================
1     format 10 in the upper four bits, number of the recommender in the lower
6     time of the response in milliseconds since 1970, big-endian
4     hash of the model version
3 x 3 hash of each arm, or zeros
6     random
4     hash of the preceding bytes, which detects truncated and changed IDs
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

from alsolike.declarations.times import MAX_TIME_MS
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

_FORMAT = 0xA0
_VERSION_BYTES, _ARM_BYTES, _RANDOM_BYTES, _CHECK_BYTES = 4, 3, 6, 4
_NO_ARM = bytes(_ARM_BYTES)
_NAMES = MappingProxyType({code: name for name, code in RECOMMENDER_CODES.items()})
_FORM = re.compile(r"[A-Za-z0-9_-]{40}")


@struct
class RecommendationId:
    answered_ms: int
    recommender: str
    version_tag: str
    arm_tags: tuple[str, ...] = ()


@functools.lru_cache(maxsize=256)
def version_tag(version: str) -> str:
    """Return the hash of a model version, 8 hexadecimal digits."""
    return hashlib.blake2b(version.encode(), digest_size=_VERSION_BYTES).hexdigest()


@functools.lru_cache(maxsize=1024)
def arm_tag(arm: str) -> str:
    """Return the hash of an arm `experiment/arm`, 6 hexadecimal digits that are not all 0."""
    tag = hashlib.blake2b(arm.encode(), digest_size=_ARM_BYTES).digest()
    return (tag if tag != _NO_ARM else b"\0\0\1").hex()


@functools.lru_cache(maxsize=256)
def _head(recommender: str, version: str, arms: tuple[str, ...]) -> tuple[bytes, bytes]:
    tags = [bytes.fromhex(arm_tag(arm)) for arm in arms]
    first = bytes((_FORMAT | RECOMMENDER_CODES[recommender],))
    return first, b"".join((bytes.fromhex(version_tag(version)), *tags, _NO_ARM * (MAX_ARMS - len(tags))))


def create(*, answered_ms: int, recommender: str, version: str, arms: Sequence[str] = ()) -> str:
    """Return a new recommendation ID. `arms` are names `experiment/arm`."""
    if len(arms) > MAX_ARMS:
        raise ValueError(f"{len(arms)} arms, expected {MAX_ARMS} at most")
    first, tags = _head(recommender, version, tuple(arms))
    content = b"".join((first, answered_ms.to_bytes(6, "big"), tags, os.urandom(_RANDOM_BYTES)))
    return base64.urlsafe_b64encode(content + _check(content)).decode()


def parse(recommendation_id: str) -> RecommendationId:
    """Parse a recommendation ID. Truncated and changed IDs are invalid."""
    content = base64.urlsafe_b64decode(recommendation_id) if _FORM.fullmatch(recommendation_id) else b"\0" * 30
    recommender = _NAMES.get(content[0] ^ _FORMAT)
    answered_ms = int.from_bytes(content[1:7], "big")
    sound = content[-_CHECK_BYTES:] == _check(content[:-_CHECK_BYTES])
    if recommender is None or not sound or answered_ms > MAX_TIME_MS:
        raise InvalidInput(f"recommendationId {recommendation_id!r} was not created by this service")
    arms = [content[place : place + _ARM_BYTES] for place in range(11, 11 + MAX_ARMS * _ARM_BYTES, _ARM_BYTES)]
    return RecommendationId(
        answered_ms,
        recommender,
        content[7:11].hex(),
        tuple(arm.hex() for arm in arms if arm != _NO_ARM),
    )


def _check(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=_CHECK_BYTES).digest()
