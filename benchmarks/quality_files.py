"""Public data sets in their original formats, converted to Amazon Personalize's column names."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from alsolike.runtime.errors import InvalidInput

MIN_INTERACTIONS = 5
"""Minimum number of interactions per user and per item in RecBole's files (5-core), as in the published figures."""


def as_csv(path: Path, directory: Path) -> Path:
    """Return a file that `alsolike evaluate` reads: a converted copy, or `path` itself if it needs no conversion.

    S3-Rec's `.txt` has one user per line, followed by items in time order. S3-Rec's `.json` has lists of attributes by
    item. RecBole's `.inter` and `.item` are tab-separated, with types after the column names.
    """
    if not path.is_file():
        raise InvalidInput(f"{path} is not a file")
    if path.suffix == ".txt":
        return _sequences(path, directory / f"{path.stem}.csv")
    if path.suffix == ".json":
        return _attributes(path, directory / f"{path.stem}.csv")
    if path.suffix in (".inter", ".item"):
        return _recbole(path, directory / f"{path.name}.csv")
    return path


def _sequences(path: Path, target: Path) -> Path:
    with target.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["USER_ID", "ITEM_ID", "TIMESTAMP"])
        for line in filter(str.strip, path.read_text().splitlines()):
            user, *items = line.split()
            writer.writerows((user, item, place) for place, item in enumerate(items, start=1))
    return target


def _attributes(path: Path, target: Path) -> Path:
    with target.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["ITEM_ID", "ATTRIBUTES"])
        for item, attributes in json.loads(path.read_text()).items():
            writer.writerow((item, "|".join(map(str, attributes))))
    return target


def _recbole(path: Path, target: Path) -> Path:
    table = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False)
    table.columns = pd.Index(_names(table.columns))
    if "USER_ID" in table:
        while True:
            rows = len(table)
            for column in ("ITEM_ID", "USER_ID"):
                table = table[table.groupby(column)[column].transform("size") >= MIN_INTERACTIONS]
            if len(table) == rows:
                break
    for column in table.columns:
        if column == "CLASS":  # several classes, separated by spaces
            table[column] = table[column].str.replace(" ", "|")
    table.to_csv(target, index=False)
    return target


def _names(columns: pd.Index[str]) -> Iterator[str]:
    for column in columns:
        name = column.partition(":")[0].upper()
        yield "RATING" if name == "EVENT_TYPE" else name


def with_interactions(items: Path, interactions: Path, directory: Path) -> Path:
    """Return a file with the items that have interactions, because the published figures rank only these items."""
    bought = _table(interactions)["ITEM_ID"].unique()
    table = _table(items)
    target = directory / "bought.csv"
    table[table["ITEM_ID"].isin(bought)].to_csv(target, index=False)
    return target


def _table(path: Path) -> pd.DataFrame:
    is_parquet = path.suffix == ".parquet"
    table = pd.read_parquet(path) if is_parquet else pd.read_csv(path, dtype=str, keep_default_na=False)
    if "ITEM_ID" not in table:
        raise InvalidInput(f"{path} misses the column ITEM_ID; its columns are {', '.join(table.columns)}")
    return table.astype({"ITEM_ID": str})
