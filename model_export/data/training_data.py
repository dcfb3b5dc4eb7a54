"""Reader of a dataset's directory."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from alsolike.bundle.features import USER, user_value
from alsolike.events.interactions import profile_id
from alsolike.runtime.errors import InvalidDataset
from alsolike.snapshot.cold_items import MAX_COLD_ITEMS
from alsolike.training import dataset
from model_export.data.features import Feature
from model_export.data.interactions import Interactions, unusable_weights
from model_export.data.item_content import item_content
from model_export.data.statistics import Counts

MIN_USERS = 5
MIN_ITEMS = 5
MIN_INTERACTIONS = 20


@dataclasses.dataclass(frozen=True, slots=True)
class TrainingData:
    """Dataset in memory.

    Attributes
    ----------
    item_ids
        Item IDs of positions 1..N.
    properties
        Properties of the items at positions 1..N.
    unlearned_ids
        IDs of catalogue items without a position. They have too few interactions.
    unlearned
        Properties of an evenly spaced sample of `unlearned_ids`. Serving limits the number of cold items to the same
        size.
    event_weights
        Weight by event type, from the manifest. `interactions` already have these weights.
    profile_ids
        Profile IDs of the users of `interactions`, in their order.
    users
        Properties by user ID.
    all_interactions, all_users
        Numbers of interactions and users of the dataset, including those counted only in `interactions.counts`.
    """

    dataset_id: str
    interactions: Interactions
    item_ids: Sequence[str]
    properties: Sequence[Mapping[str, Any]]
    event_weights: Mapping[str, float]
    profile_ids: Sequence[str] = ()
    users: Mapping[str, Mapping[str, Any]] = dataclasses.field(default_factory=dict)
    unlearned_ids: Sequence[str] = ()
    unlearned: Sequence[Mapping[str, Any]] = ()
    all_interactions: int = 0
    all_users: int = 0

    @property
    def last_event_ms(self) -> int:
        """Time of the latest training interaction."""
        counts = self.interactions.counts
        return int(self.interactions.time_ms.max()) if counts is None else counts.manifest.last_event_ms

    def by_frequency(self) -> TrainingData:
        """Number the items by descending frequency, so that the more frequent item wins ties."""
        order = self.interactions.frequency_order()
        return dataclasses.replace(
            self,
            interactions=self.interactions.renumber(order),
            item_ids=[self.item_ids[item - 1] for item in order],
            properties=[self.properties[item - 1] for item in order],
        )


def load(directory: Path) -> TrainingData:
    manifest_path = directory / dataset.MANIFEST_FILE
    if not manifest_path.is_file():
        raise InvalidDataset(f"{directory} has no {dataset.MANIFEST_FILE}")
    manifest = dataset.DatasetManifest.from_json(manifest_path.read_bytes())
    table = read_table(
        directory / dataset.INTERACTIONS_FILE, dataset.INTERACTION_COLUMNS, optional=dataset.FEATURE_COLUMNS
    )
    counts = Counts.open(directory)
    interactions, item_ids, profile_ids = encode(
        user_ids=table["profile_id"],
        item_ids=table["item_id"],
        time_ms=_numbers(table, "event_time_ms", pa.int64()),
        weight=_weights(table),
        catalogue=None if counts is None else pa.chunked_array([counts.item_ids]),
        features=_features(table),
    )
    if counts is not None and len(item_ids) != len(counts.item_ids):
        uncounted = len(item_ids) - len(counts.item_ids)
        raise InvalidDataset(f"{dataset.INTERACTIONS_FILE} has {uncounted} items that its statistics lack")
    _require_minimum(interactions, manifest.dataset_id)
    by_id = properties_by_id(read_table(directory / dataset.ITEMS_FILE, dataset.ITEM_COLUMNS), "item_id")
    users_file = directory / dataset.USERS_FILE  # datasets of earlier versions lack this file
    users = properties_by_id(read_table(users_file, dataset.USER_COLUMNS), "user_id") if users_file.exists() else {}
    user_features = _user_features(users, profile_ids)
    features = {name: feature.take(interactions.user) for name, feature in user_features.items()}
    properties = [by_id.get(item_id, {}) for item_id in item_ids]
    rare_ids = unlearned_ids(by_id, item_ids)
    return TrainingData(
        dataset_id=manifest.dataset_id,
        interactions=dataclasses.replace(
            interactions,
            content=item_content(properties).vectors,
            history_length=manifest.history_length,
            counts=counts,
            features={**interactions.features, **features},
        ),
        item_ids=item_ids,
        properties=properties,
        event_weights=manifest.event_weights,
        profile_ids=profile_ids,
        users=users,
        unlearned_ids=rare_ids,
        unlearned=unlearned(by_id, rare_ids),
        all_interactions=len(interactions) if counts is None else manifest.interactions,
        all_users=interactions.users if counts is None else manifest.users,
    )


def _features(table: pa.Table) -> dict[str, pa.ChunkedArray]:
    features = {name: table[name] for name in dataset.FEATURE_COLUMNS if name in table.column_names}
    return features | contexts(features.pop("context")) if "context" in features else features


def _user_features(users: Mapping[str, Mapping[str, Any]], profile_ids: Sequence[str]) -> dict[str, Feature]:
    """Return each user property as a feature with a row per profile. Only strings and booleans are known values."""
    known = {profile_id(user_id=user_id, session_id=None): properties for user_id, properties in users.items()}
    owned = [known.get(profile, {}) for profile in profile_ids]
    return {
        f"{USER}{name}": Feature.of(
            pa.chunked_array([pa.array([user_value(own.get(name)) for own in owned], pa.string())])
        )
        for name in sorted({name for properties in users.values() for name in properties})
    }


def contexts(column: pa.ChunkedArray) -> dict[str, pa.ChunkedArray]:
    """Return a column per name in the contexts, see `alsolike.events.context`."""
    encoded = column.dictionary_encode().unify_dictionaries().combine_chunks()
    documents = [orjson.loads(text) if text else {} for text in encoded.dictionary.to_pylist()]
    return {
        name: pa.chunked_array([pa.array([each.get(name) for each in documents], pa.string()).take(encoded.indices)])
        for name in sorted({name for each in documents for name in each})
    }


def encode(
    *,
    user_ids: pa.ChunkedArray,
    item_ids: pa.ChunkedArray,
    time_ms: np.ndarray[Any, Any],
    weight: np.ndarray[Any, Any],
    catalogue: pa.ChunkedArray | None = None,
    features: Mapping[str, pa.ChunkedArray] = MappingProxyType({}),
) -> tuple[Interactions, list[str], list[str]]:
    """Number users and items in the order of their IDs, so that the result does not depend on the order of rows.

    `catalogue` has IDs of further items to number. The returned lists are the item IDs of positions 1..N and the user
    IDs of numbers 0..M - 1.
    """
    users, user_names = _codes(user_ids)
    every_item = item_ids.chunks if catalogue is None else [*item_ids.chunks, *catalogue.chunks]
    items, item_names = _codes(pa.chunked_array(every_item, item_ids.type))
    interactions = Interactions.from_rows(
        user=users,
        item=items[: len(item_ids)] + 1,
        time_ms=time_ms,
        weight=weight,
        users=len(user_names),
        items=len(item_names),
        features={name: Feature.of(column) for name, column in features.items()},
    )
    item_ids = np.array(["", *item_names], object)
    return dataclasses.replace(interactions, item_ids=item_ids), item_names, user_names


def _codes(ids: pa.ChunkedArray) -> tuple[np.ndarray[Any, Any], list[str]]:
    """Return the index of each row's ID among the sorted distinct IDs, and the distinct IDs."""
    encoded = ids.cast(pa.string()).combine_chunks().dictionary_encode()
    order = pc.array_sort_indices(encoded.dictionary).to_numpy()
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    return rank[encoded.indices.to_numpy()], encoded.dictionary.take(pa.array(order)).to_pylist()


def read_table(path: Path, columns: Sequence[str], *, optional: Sequence[str] = ()) -> pa.Table:
    """Return columns of a Parquet file, or of a directory of Parquet files in the order of the numbers in their names.

    `optional` columns may be missing, because earlier versions did not write them.
    """
    # Names contain numbers without leading zeros, so longer names come later.
    parts = sorted(path.glob("*.parquet"), key=lambda part: (len(part.name), part.name)) if path.is_dir() else [path]
    if not parts or not parts[0].is_file():
        raise InvalidDataset(f"{path.parent} has no {path.name}")
    table = pa.concat_tables([_read_part(part, path.name, columns, optional) for part in parts])
    for column in table.column_names:
        if empty := table[column].null_count:
            raise InvalidDataset(f"{path.name} has {empty} rows without {column}")
    return table


def _read_part(part: Path, name: str, columns: Sequence[str], optional: Sequence[str]) -> pa.Table:
    try:
        found = pq.read_schema(part).names
        if missing := [column for column in columns if column not in found]:
            raise InvalidDataset(f"{name} misses {', '.join(missing)}; its columns are {', '.join(found)}")
        known = [column for column in optional if column in found]
        return pq.read_table(part, columns=[*columns, *known], read_dictionary=known)
    except pa.ArrowInvalid as error:
        raise InvalidDataset(f"{name} is not a readable Parquet file: {error}") from error


def unlearned_ids(by_id: Mapping[str, Mapping[str, Any]], item_ids: Sequence[str]) -> list[str]:
    learned = set(item_ids)
    return [item_id for item_id in by_id if item_id not in learned]


def unlearned(by_id: Mapping[str, Mapping[str, Any]], rare_ids: Sequence[str]) -> list[Mapping[str, Any]]:
    count = min(len(rare_ids), MAX_COLD_ITEMS)
    places = np.linspace(0, len(rare_ids) - 1, count).astype(np.int64)
    return [by_id[rare_ids[place]] for place in places.tolist()]


def _numbers(table: pa.Table, column: str, kind: pa.DataType) -> np.ndarray[Any, Any]:
    try:
        values: np.ndarray[Any, Any] = table[column].cast(kind).to_numpy()
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise InvalidDataset(f"column {column} is {table[column].type}, expected {kind}: {error}") from error
    return values


def _weights(table: pa.Table) -> np.ndarray[Any, Any]:
    weights = _numbers(table, "weight", pa.float32())
    if count := int((bad := unusable_weights(weights)).sum()):
        first = int(bad.argmax())
        raise InvalidDataset(
            f"{dataset.INTERACTIONS_FILE} has {count:,} rows whose weight is not a finite number above 0; the first is "
            f"row {first + 1} ({weights[first]})"
        )
    return weights


def _require_minimum(interactions: Interactions, dataset_id: str) -> None:
    minimums = {
        "users": (interactions.users, MIN_USERS),
        "items": (interactions.items, MIN_ITEMS),
        "interactions": (len(interactions), MIN_INTERACTIONS),
    }
    missing = [f"{minimum - count} {name}" for name, (count, minimum) in minimums.items() if count < minimum]
    if missing:
        raise InvalidDataset(
            f"dataset {dataset_id} holds {interactions.users} users, {interactions.items} items and "
            f"{len(interactions)} interactions; training needs at least {MIN_USERS} users, {MIN_ITEMS} items "
            f"and {MIN_INTERACTIONS} interactions: {' and '.join(missing)} more"
        )


def properties_by_id(rows: pa.Table, id_column: str) -> dict[str, Mapping[str, Any]]:
    properties: dict[str, Mapping[str, Any]] = {}
    for row_id, document in zip(rows[id_column].to_pylist(), rows["properties"].to_pylist(), strict=True):
        try:
            columns = orjson.loads(document)
        except orjson.JSONDecodeError as error:
            raise InvalidDataset(f"properties of {id_column} {row_id!r} are not JSON: {error}") from error
        if not isinstance(columns, dict):
            raise InvalidDataset(
                f"properties of {id_column} {row_id!r} are a {type(columns).__name__}, expected an object"
            )
        properties[str(row_id)] = columns
    return properties
