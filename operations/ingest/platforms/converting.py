"""Conversion of a platform's files to data files."""

from __future__ import annotations

import csv
import difflib
from collections import Counter
from pathlib import Path

from alsolike.runtime.errors import InvalidInput
from operations import progress
from operations.ingest.csv_format import CsvForm
from operations.ingest.csv_rows import UNREADABLE, open_bytes
from operations.ingest.platforms.formats import FORMATS, LEFT_OUT, PlatformFormat
from operations.ingest.sources import Source
from operations.progress import counted

SUFFIXES = tuple(
    f".{name}{gz}" for name in ("csv", "tsv", "txt", "xml", "json", "jsonl", "ndjson") for gz in ("", ".gz")
)


def format_of(name: str, dataset: str) -> PlatformFormat:
    names = [each.name for each in FORMATS.values() if each.dataset == dataset]
    if name not in names:
        close = difflib.get_close_matches(name, names, n=1)
        hint = f"; did you mean {close[0]}?" if close else ""
        raise InvalidInput(f"--from is {name!r}, expected one of {', '.join(names)} for {dataset}{hint}")
    return FORMATS[name]


def _stem(name: str) -> str:
    return name[: -len(next((suffix for suffix in SUFFIXES if name.lower().endswith(suffix)), ""))]


def converted_path(source: Source, kind: PlatformFormat) -> Path:
    """Return the path of the converted file: in the folder of `source`, or in the working folder for an S3 object."""
    rejected = source.rejected_path(flat=True)
    return rejected.with_name(f"{_stem(rejected.name.removesuffix('.rejected.csv'))}.{kind.dataset}.csv")


def convert(source: Source, kind: PlatformFormat, form: CsvForm) -> Path:
    """Convert a platform's file to a data file, and report unused fields and skipped records."""
    path = converted_path(source, kind)
    fields: dict[str, None] = {}
    left_out: Counter[str] = Counter()
    written = 0
    partial = path.with_name(f"{path.name}.partial")
    try:
        with source.open() as raw, partial.open("w", encoding="utf-8", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(column.ours for column in kind.columns)
            for record in kind.records(open_bytes(raw, source.name), source.name, form):
                fields.update(dict.fromkeys(record))
                if reason := record.get(LEFT_OUT):
                    left_out[reason] += 1
                    continue
                rows.writerow(column.value(record) for column in kind.columns)
                written += 1
        if not kind.used & fields.keys():
            raise InvalidInput(
                f"{source.name} has no field of the format {kind.name}, such as {kind.columns[0].theirs[0]!r}; "
                f"{kind.source} describes the file"
            )
        partial.replace(path)
    except UNREADABLE as error:
        raise InvalidInput(f"{source.name} cannot be converted: {error}") from error
    finally:
        partial.unlink(missing_ok=True)
    progress.say(f"{source.name}: {counted(written, 'row')} written to {path}, which is imported")
    for reason, count in sorted(left_out.items()):
        progress.say(f"{source.name}: {counted(count, 'record')} left out: {reason}")
    if unused := [name for name in fields if name not in kind.used]:
        progress.say(f"{source.name}: unused fields: {', '.join(unused)}")
    return path
