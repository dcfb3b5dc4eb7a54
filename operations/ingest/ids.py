"""Validation of a column of IDs. `alsolike.schema.validation` implements the same rules for a single ID."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

SPACE = r"[\t-\r\x1c-\x1f\x{85}\x{feff}\pZ]"
CONTROL_CHARACTERS = r"\x00-\x1f\x7f"


def id_faults(texts: pa.Array | pa.ChunkedArray, name: str, *, maximum: int) -> Iterator[tuple[pa.Array, str]]:
    """Yield masks of invalid IDs, each with the reason. Null remains null in the mask."""
    yield pc.match_substring_regex(texts, f"^{SPACE}+$"), f"{name} is nothing but space"
    yield pc.greater(pc.utf8_length(texts), maximum), f"{name} has more than {maximum} characters"
    yield pc.match_substring_regex(texts, f"[{CONTROL_CHARACTERS}]"), f"{name} has a control character"
