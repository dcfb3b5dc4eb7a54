"""Rules for ids, checked for a column of texts; `contract.validation` has the same rules for one string."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

SPACE = r"[\t-\r\x1c-\x1f\x{85}\pZ]"
CONTROL_CHARACTERS = r"\x00-\x1f\x7f"


def id_faults(texts: pa.Array | pa.ChunkedArray, name: str, *, maximum: int) -> Iterator[tuple[pa.Array, str]]:
    """Yield which texts are no id, and why; null is not judged.

    Parameters
    ----------
    name
        What the reason calls the column.
    maximum
        Characters.
    """
    yield pc.match_substring_regex(texts, f"^{SPACE}+$"), f"{name} is nothing but space"
    yield pc.greater(pc.utf8_length(texts), maximum), f"{name} has more than {maximum} characters"
    yield pc.match_substring_regex(texts, f"[{CONTROL_CHARACTERS}]"), f"{name} has a control character"
