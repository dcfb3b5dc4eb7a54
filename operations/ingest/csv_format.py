"""Format of CSV files: delimiter, decimal mark and encoding."""

from __future__ import annotations

import codecs
import dataclasses
import re
from collections.abc import Callable, Collection, Mapping
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from alsolike.runtime.errors import InvalidInput

_DELIMITERS = {"tab": "\t", "\\t": "\t"}
_UTF8 = ("utf-8", "utf-8-sig")
_UNDECODABLE = "alsolike-undecodable"
_THOUSANDS = r"^-?[0-9]{1,3}(\.[0-9]{3})+(,[0-9]+)?$"
_DECIMAL = r"^(-?[0-9]+),([0-9]+)$"

CODE = re.compile(r"(^|_)(IDS?|ZIP|ZIPCODE|POSTCODE|POSTAL|POSTALCODE|PLZ|CODES?|SKU|EAN|GTIN|UPC|ISBN|PHONE)(_|$)")
"""Pattern of the names of columns with codes. Parsing codes as numbers would remove leading zeros."""


@dataclasses.dataclass(frozen=True, slots=True)
class CsvForm:
    """Format of a CSV file.

    The delimiter is an ASCII character or `tab`. If the decimal mark is a comma, points separate thousands. The
    encoding is a Python codec.
    """

    delimiter: str = ","
    decimal: str = "."
    encoding: str = "utf-8"

    def __post_init__(self) -> None:
        delimiter = _DELIMITERS.get(self.delimiter, self.delimiter)
        if len(delimiter) != 1 or not delimiter.isascii() or delimiter in '"\r\n\0' or delimiter.isalnum():
            raise InvalidInput(
                f"--delimiter is {self.delimiter!r}, expected one character between columns, such as ';', or tab"
            )
        if self.decimal not in (".", ","):
            raise InvalidInput(f"--decimal is {self.decimal!r}, expected . or ,")
        try:
            "".encode(self.encoding)
            name = codecs.lookup(self.encoding).name
        except LookupError as error:
            raise InvalidInput(
                f"--encoding is {self.encoding!r}, expected an encoding such as utf-8, cp1252 or utf-16"
            ) from error
        object.__setattr__(self, "delimiter", delimiter)
        object.__setattr__(self, "encoding", "utf-8" if name in _UTF8 else name)

    @property
    def differences(self) -> Mapping[str, str]:
        fields = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return {name: value for name, value in fields.items() if value != getattr(PLAIN, name)}

    def utf8(self, file: Readable) -> Readable:
        """Return the file converted to UTF-8. Undecodable characters become invalid UTF-8, which the parser rejects."""
        return file if self.encoding == "utf-8" else _Utf8(file, self.encoding)

    def with_points(self, rows: pa.Table) -> pa.Table:
        """Return rows with decimal points in numeric cells. IDs and codes are unchanged."""
        if self.decimal == ".":
            return rows
        return with_texts(rows, _with_points, names=[name for name in rows.column_names if not CODE.search(name)])


PLAIN = CsvForm()


class Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


class _Utf8:
    """Binary file that converts to UTF-8 while reading."""

    def __init__(self, file: Readable, encoding: str) -> None:
        self._file = file
        self._decoder = codecs.getincrementaldecoder(encoding)(_UNDECODABLE)

    def read(self, size: int, /) -> bytes:
        """Return about `size` bytes, or empty bytes at the end."""
        while part := self._file.read(size):
            if text := self._decoder.decode(part):
                return text.encode("utf-8", "surrogatepass")
        return self._decoder.decode(b"", final=True).encode("utf-8", "surrogatepass")


def _undecodable(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "\udcff", error.end


codecs.register_error(_UNDECODABLE, _undecodable)


def with_texts(rows: pa.Table, change: Callable[[Any], Any], *, names: Collection[str] | None = None) -> pa.Table:
    """Return rows with `change` applied to the texts of the columns `names`, or of all columns."""
    for place, field in enumerate(rows.schema):
        if names is None or field.name in names:
            column = rows[place]
            if pa.types.is_dictionary(column.type):
                changed = change(column.cast(pa.string())).dictionary_encode().cast(column.type)
            else:
                changed = change(column)
            rows = rows.set_column(place, field, changed)
    return rows


def _with_points(texts: Any) -> Any:
    thousands = pc.match_substring_regex(texts, _THOUSANDS)
    texts = pc.if_else(thousands, pc.replace_substring(texts, ".", ""), texts)
    return pc.replace_substring_regex(texts, _DECIMAL, r"\1.\2")
