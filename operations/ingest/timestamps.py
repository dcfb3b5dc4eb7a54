"""Parser of event times in ISO 8601, epoch seconds or epoch milliseconds.

Numbers of at least `MILLISECONDS_FROM` are milliseconds.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

NUMBER = r"-?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?"
UNREADABLE = "is neither a number nor a time like 2024-05-31T12:00:00Z"
OUT_OF_RANGE = "is neither in seconds nor in milliseconds"
MISSING = "is missing"

MILLISECONDS_FROM = 1e11
"""Minimum number that is interpreted as milliseconds. As seconds it would be the year 5138, as milliseconds it is 1973.
"""

_MILLISECONDS_TO = 1e14
_CLOCK = r"[0-9]{2}:[0-9]{2}(:[0-9]{2}([.,][0-9]{1,9})?)?"
ISO = rf"^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}([T ]{_CLOCK}(Z|[+-][0-9]{{2}}(:?[0-9]{{2}})?)?)?$"

Bools = npt.NDArray[np.bool_]


def times_ms(column: pa.ChunkedArray) -> tuple[npt.NDArray[np.int64], dict[str, Bools]]:
    """Return epoch milliseconds in UTC, 0 for invalid cells, and a mask of invalid cells by reason.

    Times without a zone are UTC.
    """
    if pa.types.is_timestamp(column.type):
        ms = column.cast(pa.timestamp("ms", column.type.tz), safe=False).cast(pa.int64())
        return ms.fill_null(0).to_numpy(), {MISSING: column.is_null().to_numpy()}
    if pa.types.is_date(column.type):
        return times_ms(column.cast(pa.timestamp("ms")))
    wrong: dict[str, Bools] = {}
    if pa.types.is_integer(column.type) and not column.null_count:
        whole_numbers = column.cast(pa.int64(), safe=False).to_numpy()
        return _scaled(whole_numbers, wrong), wrong
    numbers, is_text = numbers_of(column)
    iso, is_iso = np.zeros(len(numbers), np.int64), np.zeros(len(numbers), np.bool_)
    if is_text.any() and not (pa.types.is_floating(column.type) or pa.types.is_integer(column.type)):
        iso, is_iso = _iso_ms(column, is_text)
    wrong[UNREADABLE] = is_text & ~is_iso
    wrong[MISSING] = np.isnan(numbers) & ~is_text
    with np.errstate(over="ignore"):
        ms = _scaled(np.where(np.isfinite(numbers), numbers, 0.0), wrong)
    return np.where(is_iso, iso, ms), wrong


def numbers_of(column: pa.ChunkedArray) -> tuple[npt.NDArray[np.float64], Bools]:
    """Return a column as numbers with NaN for missing or unparseable cells, and a mask of unparseable and infinite
    cells.
    """
    if pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
        values = column.cast(pa.float64(), safe=False).fill_null(float("nan")).to_numpy()
        return values, np.isinf(values)
    text = column.cast(pa.string())
    text = pc.if_else(pc.equal(text, ""), pa.scalar(None, pa.string()), text)
    fits = pc.match_substring_regex(text, f"^{NUMBER}$").fill_null(True)
    values = pc.if_else(fits, text, None).cast(pa.float64()).fill_null(float("nan")).to_numpy()
    return values, ~fits.to_numpy() | np.isinf(values)


def _scaled(numbers: npt.NDArray[np.int64] | npt.NDArray[np.float64], wrong: dict[str, Bools]) -> npt.NDArray[np.int64]:
    seconds = np.abs(numbers) < MILLISECONDS_FROM
    if not seconds.all():
        out_of_range = np.abs(numbers) >= _MILLISECONDS_TO
        wrong[OUT_OF_RANGE] = out_of_range
        numbers = np.where(out_of_range, 0, np.where(seconds, numbers * 1000, numbers))
    else:
        numbers = numbers * 1000
    ms: npt.NDArray[np.int64] = np.rint(numbers).astype(np.int64)
    return ms


def _iso_ms(column: pa.ChunkedArray, places: Bools) -> tuple[npt.NDArray[np.int64], Bools]:
    """Return the times of the cells at `places`, and a mask of the cells with ISO 8601 text. Other times are 0."""
    import pandas as pd  # Importing pandas takes longer than importing a small file without ISO 8601 times.

    cells = column.cast(pa.string()).filter(pa.array(places)).combine_chunks().dictionary_encode()
    distinct = cells.dictionary
    fits = pc.match_substring_regex(distinct, ISO)
    texts = pc.replace_substring(pc.if_else(fits, distinct, None), ",", ".").to_pylist()
    parsed = pd.to_datetime(pd.Series(texts, dtype="object"), format="ISO8601", utc=True, errors="coerce")
    ms = parsed.dt.as_unit("ms").astype("int64").where(parsed.notna(), 0).to_numpy(np.int64)
    result, is_iso = np.zeros(len(places), np.int64), np.zeros(len(places), np.bool_)
    cell = cells.indices.to_numpy()
    result[places], is_iso[places] = ms[cell], parsed.notna().to_numpy()[cell]
    return result, is_iso
