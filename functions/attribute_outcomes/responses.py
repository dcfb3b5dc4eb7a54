"""Selection of the distinct responses of a day whose recommendation IDs are genuine. IDs are parsed in batches."""

from __future__ import annotations

import base64
import dataclasses
import functools
import hashlib

import numpy as np
import numpy.typing as npt
import orjson
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from alsolike.configuration import recommendation_id
from alsolike.declarations.times import DAY_MS, MAX_TIME_MS
from alsolike.lake.arrow import arrow_schema
from alsolike.records.served_response import SERVED_COLUMNS

ANSWERS = arrow_schema(
    pa, SERVED_COLUMNS, "recommendation_id", "served_ms", "recommender", "model_version", "arms", "shopper", "session",
    "source", "degraded", "item_ids",
)  # fmt: skip


def distinct(rows: pa.Table) -> pa.Table:
    """Keep one row per recommendation ID.

    If duplicates differ, the one whose JSON sorts first is kept, so that the result does not depend on the order of
    rows.
    """
    ids = rows["recommendation_id"].to_pandas()
    repeated = ids[ids.duplicated(keep=False)]
    if not len(repeated):
        return rows
    copies = rows.take(pa.array(repeated.index)).to_pylist()
    order = pd.Series([orjson.dumps(copy) for copy in copies], index=repeated.index)
    kept = pd.DataFrame({"id": repeated, "order": order}).sort_values(["id", "order"])
    dropped = kept.index[kept.duplicated("id")]
    return rows.take(pa.array(ids.index.difference(dropped)))


def genuine(rows: pa.Table, day: int) -> pa.Table:
    """Keep the rows of a day (since 1970) that match their recommendation IDs in time, recommender, model and arms."""
    ids = read(rows["recommendation_id"].combine_chunks())
    served_ms = rows["served_ms"].fill_null(-1).to_numpy()
    same = ids.genuine & (ids.answered_ms == served_ms) & (served_ms // DAY_MS == day)
    columns = (rows[name].to_pylist() for name in ("recommender", "model_version", "arms"))
    tags = [_tags(*values[:2], tuple(values[2] or ())) for values in zip(*columns, strict=True)]
    same &= np.frombuffer(b"".join(tags), "V14") == ids.tags()
    return rows.filter(pa.array(same))


@functools.lru_cache(maxsize=1024)
def _tags(recommender: str | None, model_version: str | None, arms: tuple[str | None, ...]) -> bytes:
    """Return the value of `Ids.tags` for a response. For invalid values, return bytes that no ID contains."""
    try:
        example_id = recommendation_id.create(
            answered_ms=0,
            recommender=recommender or "",
            version=model_version or "",
            arms=[arm or "" for arm in arms],
        )
    except (KeyError, ValueError):
        return bytes(14)
    return read(pa.array([example_id])).tags().tobytes()


_CHARACTERS, _BYTES, _CHECK_BYTES = 40, 30, 4
_FORM = rf"^[A-Za-z0-9_-]{{{_CHARACTERS}}}$"
_PLACEHOLDER = "A" * _CHARACTERS
_KNOWN = np.array(sorted(recommendation_id.RECOMMENDER_CODES.values()), np.uint8)
_FORMAT = 0xA0


@dataclasses.dataclass(frozen=True, slots=True)
class Ids:
    """Contents of recommendation IDs, one element per row.

    `genuine` is true if `recommendation_id.parse` accepts the ID. If it is false, the other elements of the row are
    undefined. `content` are the bytes, uint8 `(n, 30)`.
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
