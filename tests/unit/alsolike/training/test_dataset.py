"""The dataset's manifest."""

import dataclasses
from types import MappingProxyType
from typing import Any

import orjson
import pytest

from alsolike.configuration.configuration import DEFAULT
from alsolike.runtime.errors import InvalidDataset
from alsolike.training import dataset
from alsolike.training.dataset import DatasetManifest
from alsolike.training.drift_reference import Categories, Reference
from alsolike.training.stability_index import Histogram


def manifest():
    return DatasetManifest(
        dataset_id="20260301t040506-eaf6fc",
        created_ms=9,
        rows_read=12,
        interactions=10,
        users=4,
        items=3,
        catalogue_items=5,
        dropped={"duplicate_event": 2},
        first_event_ms=1,
        last_event_ms=8,
        event_weights={"view": 1.0},
        minimum_item_interactions=5,
        minimum_user_interactions=2,
        repeat_share=0.25,
        lineage=("interactions/event_date=1970-01-01",),
    )


def test_read_only_mappings_can_be_written():
    fields = orjson.loads(manifest().to_json())
    fields.update(event_weights=DEFAULT.event_weights, dropped=MappingProxyType({"rare_item": 1}))

    read = DatasetManifest.from_json(DatasetManifest(**fields).to_json())

    assert read.event_weights == dict(DEFAULT.event_weights)
    assert read.dropped == {"rare_item": 1}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"{", "manifest.json is not JSON"),
        (b"[]", "manifest.json has format_version None, expected 1"),
        (b"null", "manifest.json has format_version None, expected 1"),
        (b'{"format_version": 2}', "manifest.json has format_version 2, expected 1"),
        (b'{"format_version": 1, "users": 4}', "manifest.json misses catalogue_items, created_ms, dataset_id, "),
    ],
)
def test_invalid_manifest_is_refused(data, message):
    with pytest.raises(InvalidDataset) as error:
        DatasetManifest.from_json(data)

    assert str(error.value).startswith(message)


REFERENCE = Reference(
    window_days=7,
    item_popularity=Histogram((1, 4), (5, 5, 6)),
    category_popularity=Categories("kind", ("fruit",), (9, 4, 3)),
    user_activity=Histogram((2,), (1, 7)),
    history_length=Histogram((2,), (1, 7)),
)


@pytest.mark.parametrize("reference", [REFERENCE, dataclasses.replace(REFERENCE, category_popularity=None)])
def test_reference_is_unchanged_after_write_and_read(reference):
    written = dataclasses.replace(manifest(), reference=reference)

    assert DatasetManifest.from_json(written.to_json()) == written


def test_manifest_of_an_earlier_version_has_no_reference():
    document = orjson.loads(manifest().to_json())
    del document["reference"]

    assert DatasetManifest.from_json(orjson.dumps(document)).reference is None


@pytest.mark.parametrize(
    "change",
    [
        {"user_activity": {"edges": [], "counts": []}},
        {"window_days": None},
        {"category_popularity": {"column": "kind"}},
    ],
)
def test_unreadable_reference_is_refused(change):
    document = orjson.loads(dataclasses.replace(manifest(), reference=REFERENCE).to_json())
    document["reference"] |= change

    with pytest.raises(InvalidDataset, match=r"manifest\.json has an unreadable reference"):
        DatasetManifest.from_json(orjson.dumps(document))


def test_fields_of_a_later_version_are_ignored():
    document: dict[str, Any] = {**orjson.loads(manifest().to_json()), "histograms": []}

    assert DatasetManifest.from_json(orjson.dumps(document)) == manifest()


@pytest.mark.parametrize(
    ("event_type", "outcome"),
    [("click", "click"), ("View", "click"), ("purchase", "purchase"), ("cart", None), ("unknown", None), (None, None)],
)
def test_outcome_of_an_event_has_the_type_of_its_canonical_event(event_type, outcome):
    assert dataset.outcome_type(event_type, configuration=DEFAULT) == outcome
