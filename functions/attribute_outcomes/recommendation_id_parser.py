"""Vectorised parser of recommendation IDs."""

from __future__ import annotations

import base64
import dataclasses
import hashlib

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from alsolike.configuration import recommendation_id
from alsolike.declarations.times import MAX_TIME_MS

_CHARACTERS, _BYTES, _CHECK_BYTES = 40, 30, 4
_FORM = rf"^[A-Za-z0-9_-]{{{_CHARACTERS}}}$"
_PLACEHOLDER = "A" * _CHARACTERS
_KNOWN = np.array(sorted(recommendation_id.RECOMMENDER_CODES.values()), np.uint8)
_FORMAT = 0xA0


@dataclasses.dataclass(frozen=True, slots=True)
class Ids:
    """Contents of recommendation IDs by row. Undefined if `genuine` is false.

    `genuine` is true if `recommendation_id.parse` accepts the ID. `content` are the bytes, uint8 `(n, 30)`.
    """

    genuine: npt.NDArray[np.bool_]
    answered_ms: npt.NDArray[np.int64]
    content: npt.NDArray[np.uint8]

    def tags(self) -> npt.NDArray[np.void]:
        """Return the bytes of recommender, model version and arms as one comparable value per row."""
        return np.ascontiguousarray(np.hstack([self.content[:, :1], self.content[:, 7:20]])).view("V14")[:, 0]


def read(ids: pa.Array) -> Ids:
    """Parse recommendation IDs. Null is not genuine."""
    well_formed = pc.fill_null(pc.match_substring_regex(ids, _FORM), False)
    data = base64.urlsafe_b64decode("".join(pc.if_else(well_formed, ids, _PLACEHOLDER).to_pylist()))
    content = np.frombuffer(data, np.uint8).reshape(-1, _BYTES)
    checks = b"".join(
        [
            hashlib.blake2b(data[start : start + _BYTES - _CHECK_BYTES], digest_size=_CHECK_BYTES).digest()
            for start in range(0, len(data), _BYTES)
        ]
    )
    has_checksum = (np.frombuffer(checks, np.uint8).reshape(-1, _CHECK_BYTES) == content[:, -_CHECK_BYTES:]).all(axis=1)
    answered_ms = content[:, 1:7].astype(np.int64) @ (256 ** np.arange(5, -1, -1, dtype=np.int64))
    possible = np.isin(content[:, 0] ^ _FORMAT, _KNOWN) & (answered_ms <= MAX_TIME_MS)
    genuine = well_formed.to_numpy(zero_copy_only=False) & has_checksum & possible
    return Ids(genuine, answered_ms, content)
