"""Columns of a catalogue snapshot, as arrays for the values of each declared type."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self, TypeAlias

import numpy as np

from alsolike.arrays.ragged import Dictionary, Ragged, Rows
from alsolike.arrays.tensors import Array
from alsolike.configuration.columns import fits
from alsolike.configuration.configuration import ColumnType
from alsolike.runtime.struct import struct

_EXACT = 2**53  # float64 exactly represents all integers up to this number.


@struct
class NumberColumn:
    """Column of numbers, or of times in seconds since 1970: float64, NaN for a row without a value."""

    type: ColumnType
    values: Array

    @classmethod
    def of(cls, type_: ColumnType, values: Sequence[Any]) -> Self:
        return cls(type_, np.array([np.nan if value is None else value for value in values], np.float64))

    @classmethod
    def concatenate(cls, parts: Sequence[Self]) -> Self:
        return cls(parts[0].type, np.concatenate([part.values for part in parts]))

    def take(self, rows: Rows) -> Self:
        return dataclasses.replace(self, values=self.values[rows])

    def value(self, row: int) -> float | int | None:
        value = float(self.values[row])
        if value != value:
            return None
        return int(value) if value.is_integer() and abs(value) < _EXACT else value

    def arrays(self) -> dict[str, Array]:
        return {"values": self.values}

    @classmethod
    def from_arrays(cls, type_: ColumnType, arrays: Mapping[str, Array]) -> Self:
        return cls(type_, arrays["values"])


@struct
class BooleanColumn:
    """Column of booleans: int8, 1, 0, or -1 for a row without a value."""

    values: Array
    type: ClassVar[ColumnType] = ColumnType.BOOLEAN

    @classmethod
    def of(cls, _: ColumnType, values: Sequence[Any]) -> Self:
        return cls(np.array([-1 if value is None else value for value in values], np.int8))

    @classmethod
    def concatenate(cls, parts: Sequence[Self]) -> Self:
        return cls(np.concatenate([part.values for part in parts]))

    def take(self, rows: Rows) -> Self:
        return type(self)(self.values[rows])

    def value(self, row: int) -> bool | None:
        value = int(self.values[row])
        return None if value < 0 else bool(value)

    def arrays(self) -> dict[str, Array]:
        return {"values": self.values}

    @classmethod
    def from_arrays(cls, _: ColumnType, arrays: Mapping[str, Array]) -> Self:
        return cls(arrays["values"])


@struct
class StringColumn:
    """Column of strings, each of which is stored once in a dictionary.

    Attributes
    ----------
    codes
        Indices in `dictionary`, -1 for a row without a value, int32.
    """

    codes: Array
    dictionary: Dictionary
    type: ClassVar[ColumnType] = ColumnType.STRING

    @classmethod
    def of(cls, _: ColumnType, values: Sequence[Any]) -> Self:
        dictionary, present = Dictionary.of([value for value in values if value is not None])
        codes = np.full(len(values), -1, np.int32)
        codes[[value is not None for value in values]] = present
        return cls(codes, dictionary)

    @classmethod
    def concatenate(cls, parts: Sequence[Self]) -> Self:
        if len(parts) == 1:
            return parts[0]
        dictionary, new_codes = Dictionary.unite([part.dictionary for part in parts])
        none = np.full(1, -1, np.int32)
        codes = [np.append(new, none)[part.codes] for part, new in zip(parts, new_codes, strict=True)]
        return cls(np.concatenate(codes), dictionary)

    def take(self, rows: Rows) -> Self:
        """Return the column restricted to `rows`, without unused strings in the dictionary."""
        dictionary, codes = self.dictionary.only(self.codes[rows])
        return type(self)(codes, dictionary)

    def value(self, row: int) -> str | None:
        code = int(self.codes[row])
        return None if code < 0 else self.dictionary[code]

    def arrays(self) -> dict[str, Array]:
        return {"codes": self.codes, **_dictionary_arrays(self.dictionary)}

    @classmethod
    def from_arrays(cls, _: ColumnType, arrays: Mapping[str, Array]) -> Self:
        return cls(arrays["codes"], _dictionary(arrays))


@struct
class ListColumn:
    """Column of lists of strings.

    Attributes
    ----------
    codes
        Lists as indices in `dictionary`, in the order of their elements, int32.
    present
        1 for a row with a list (possibly empty), 2 for a row with a string such as ``a|b``, 0 for a row without a
        value, int8.
    postings
        Rows that contain each code. None if the column was not read from a file, or is from a file of an earlier
        release.
    """

    codes: Ragged
    present: Array
    dictionary: Dictionary
    postings: Ragged | None = None
    type: ClassVar[ColumnType] = ColumnType.LIST

    @classmethod
    def of(cls, _: ColumnType, values: Sequence[Any]) -> Self:
        lists = [(value.split("|") if isinstance(value, str) else value) if value else () for value in values]
        dictionary, codes = Dictionary.of([element for elements in lists for element in elements])
        present = np.array([0 if v is None else 2 if isinstance(v, str) else 1 for v in values], np.int8)
        return cls(Ragged.from_codes([len(elements) for elements in lists], codes), present, dictionary)

    @classmethod
    def concatenate(cls, parts: Sequence[Self]) -> Self:
        if len(parts) == 1:
            return parts[0]
        dictionary, new_codes = Dictionary.unite([part.dictionary for part in parts])
        codes = Ragged.concatenate(
            [Ragged(part.codes.offsets, new[part.codes.data]) for part, new in zip(parts, new_codes, strict=True)]
        )
        return cls(codes, np.concatenate([part.present for part in parts]), dictionary)

    def take(self, rows: Rows) -> Self:
        taken = self.codes.take(rows)
        dictionary, codes = self.dictionary.only(taken.data)
        return type(self)(Ragged(taken.offsets, codes), self.present[rows], dictionary)

    def value(self, row: int) -> list[str] | str | None:
        elements = [self.dictionary[code] for code in self.codes[row].tolist()]
        return (None, elements, "|".join(elements))[int(self.present[row])]

    def arrays(self) -> dict[str, Array]:
        postings = self.codes.inverted(len(self.dictionary)) if self.postings is None else self.postings
        return {
            "indptr": self.codes.offsets,
            "codes": self.codes.data,
            "present": self.present,
            "posting_offsets": postings.offsets,
            "posting_rows": postings.data,
            **_dictionary_arrays(self.dictionary),
        }

    @classmethod
    def from_arrays(cls, _: ColumnType, arrays: Mapping[str, Array]) -> Self:
        postings = Ragged(arrays["posting_offsets"], arrays["posting_rows"]) if "posting_rows" in arrays else None
        return cls(Ragged(arrays["indptr"], arrays["codes"]), arrays["present"], _dictionary(arrays), postings)


@struct
class TextColumn:
    """Column of texts, stored without a dictionary.

    Attributes
    ----------
    present
        1 for a row with a text (possibly empty), 0 for a row without a value, int8.
    """

    texts: Ragged
    present: Array
    type: ClassVar[ColumnType] = ColumnType.TEXT

    @classmethod
    def of(cls, _: ColumnType, values: Sequence[Any]) -> Self:
        present = np.array([value is not None for value in values], np.int8)
        return cls(Ragged.from_bytes([(value or "").encode() for value in values]), present)

    @classmethod
    def concatenate(cls, parts: Sequence[Self]) -> Self:
        texts = Ragged.concatenate([part.texts for part in parts])
        return cls(texts, np.concatenate([part.present for part in parts]))

    def take(self, rows: Rows) -> Self:
        return type(self)(self.texts.take(rows), self.present[rows])

    def value(self, row: int) -> str | None:
        return self.texts.blob(row).decode() if self.present[row] else None

    def arrays(self) -> dict[str, Array]:
        return {"offsets": self.texts.offsets, "blob": self.texts.data, "present": self.present}

    @classmethod
    def from_arrays(cls, _: ColumnType, arrays: Mapping[str, Array]) -> Self:
        return cls(Ragged(arrays["offsets"], arrays["blob"]), arrays["present"])


Column: TypeAlias = NumberColumn | BooleanColumn | StringColumn | ListColumn | TextColumn
"""Column of any type. All classes have the same methods. Only `NumberColumn` uses the argument of type `ColumnType`,
because the class serves two types."""

COLUMN_CLASSES: Mapping[ColumnType, type[Column]] = {
    ColumnType.NUMBER: NumberColumn,
    ColumnType.TIMESTAMP: NumberColumn,
    ColumnType.BOOLEAN: BooleanColumn,
    ColumnType.STRING: StringColumn,
    ColumnType.LIST: ListColumn,
    ColumnType.TEXT: TextColumn,
}


def holds(value: object, type_: ColumnType) -> bool:
    """Return true if a column of this type represents the value exactly. All other values are stored as JSON."""
    exact = not isinstance(value, int) or abs(value) <= _EXACT
    return exact and fits(value, type_)


def pop_valid(properties: dict[str, Any], name: str, type_: ColumnType) -> Any:
    return properties.pop(name) if name in properties and holds(properties[name], type_) else None


def _dictionary_arrays(dictionary: Dictionary) -> dict[str, Array]:
    values = dictionary.values
    return {"hashes": dictionary.hashes, "value_offsets": values.offsets, "value_blob": values.data}


def _dictionary(arrays: Mapping[str, Array]) -> Dictionary:
    return Dictionary(arrays["hashes"], Ragged(arrays["value_offsets"], arrays["value_blob"]))
