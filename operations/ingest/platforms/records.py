"""Readers of platforms' files. A record is a dict of strings by field name."""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Collection, Iterator, Mapping
from typing import Any, BinaryIO
from xml.etree import ElementTree

import orjson

from alsolike.runtime.errors import InvalidInput
from operations.ingest.csv_format import CsvForm

Record = dict[str, str]

_GOOGLE = "{http://base.google.com/ns/1.0}"


def csv_records(file: BinaryIO, name: str, form: CsvForm) -> Iterator[Record]:
    """Yield the rows of a CSV. The delimiter is a tab if the first line contains one."""
    text = io.TextIOWrapper(file, encoding="utf-8-sig" if form.encoding == "utf-8" else form.encoding, newline="")
    try:
        first = text.readline()
        delimiter = "\t" if "\t" in first else form.delimiter
        rows = csv.DictReader(itertools.chain([first], text), delimiter=delimiter, restkey="", restval="")
        for row in rows:
            row.pop("", None)
            yield row
    except (csv.Error, UnicodeError) as error:
        raise InvalidInput(f"{name} cannot be read as CSV: {error}; --encoding and --delimiter may help") from error


def feed_records(file: BinaryIO, name: str, form: CsvForm) -> Iterator[Record]:
    """Yield the products of a feed in XML (RSS 2.0 or Atom), or in CSV."""
    start = file.read(64)
    file.seek(0)
    if not start.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"<"):
        yield from csv_records(file, name, form)
        return
    try:
        for _, element in ElementTree.iterparse(file):  # noqa: S314  # expat bounds the growth by entities
            if element.tag.rpartition("}")[2] in ("item", "entry"):
                yield {child.tag.removeprefix(_GOOGLE).rpartition("}")[2]: child.text or "" for child in element}
                element.clear()
    except ElementTree.ParseError as error:
        raise InvalidInput(f"{name} cannot be read as XML: {error}") from error


def json_records(file: BinaryIO, name: str, _: CsvForm) -> Iterator[dict[str, Any]]:
    """Yield the objects of a file with one JSON object per line."""
    for number, line in enumerate(file, start=1):
        if not line.strip():
            continue
        try:
            found = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            raise InvalidInput(f"{name}, line {number} is not a JSON object: {error}") from error
        if not isinstance(found, dict):
            raise InvalidInput(f"{name}, line {number} is {type(found).__name__}, expected a JSON object per line")
        yield found


def filled(records: Iterator[Record], *, key: str, fields: Collection[str]) -> Iterator[Record]:
    """Yield the records. Empty `fields` get the values of the previous record if both records have the same `key`."""
    last: Mapping[str, str] = {}
    for record in records:
        if record.get(key) == last.get(key):
            record |= {name: last[name] for name in fields if not record.get(name) and last.get(name)}
        last = record
        yield record
