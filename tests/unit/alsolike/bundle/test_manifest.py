import dataclasses
import math
from types import MappingProxyType

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alsolike.bundle.bundle import history_weights
from alsolike.bundle.manifest import HistoryParameters, Manifest
from alsolike.runtime.errors import InvalidBundle
from alsolike.training.stability_index import Histogram
from tests.unit.alsolike.manifests import HISTORY, manifest

MISSING = object()


def changed(**fields):
    document = orjson.loads(manifest(files={}).to_json()) | fields
    return orjson.dumps({name: value for name, value in document.items() if value is not MISSING})


def changed_history(**fields):
    history = orjson.loads(manifest(files={}).to_json())["history"] | fields
    return changed(history={name: value for name, value in history.items() if value is not MISSING})


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is not JSON"),
        (b"[]", "has format_version 'list', expected 1"),
        (changed(format_version=2), "has format_version 2, expected 1"),
        (changed(items=MISSING), "misses items"),
        (changed(items="3"), "has items '3', expected int"),
        (changed(items=True), "has items True, expected int"),
        (changed(files=[]), "has files [], expected dict"),
        (changed(version=None), "has version None, expected str"),
        (changed(history=None), "has an unreadable history"),
        (changed_history(length=MISSING), "has an unreadable history"),
        (changed_history(x=1), "has an unreadable history"),
        (changed_history(length=0), "has an unreadable history"),
        (changed_history(half_life_days=0), "has an unreadable history: half_life_days is 0, expected more than 0"),
        (changed_history(event_weights=5), "has an unreadable history"),
        (
            changed_history(event_weights={"view": "1"}),
            "has an unreadable history: the weight of view is '1', expected a",
        ),
        (
            changed(top_scores={"edges": [1.0], "counts": [1]}),
            "has unreadable top_scores: counts are (1,), expected 2 numbers",
        ),
    ],
)
def test_unreadable_manifest_is_refused_with_its_field(data, message):
    with pytest.raises(InvalidBundle) as error:
        Manifest.from_json(data)

    assert str(error.value).startswith(f"manifest.json {message}")


@given(st.floats(min_value=0.001) | st.just(math.inf), st.dictionaries(st.text(), st.floats(allow_nan=False)))
def test_manifest_is_unchanged_after_write_and_read(half_life_days, weights):
    finite = {name: weight for name, weight in weights.items() if math.isfinite(weight)}
    written = manifest(history=HistoryParameters(100, half_life_days, finite))

    assert Manifest.from_json(written.to_json()) == written


def test_manifest_of_an_earlier_version_has_no_top_scores():
    written = manifest(top_scores=Histogram((0.5, 1.5), (3, 4, 3)))

    assert Manifest.from_json(written.to_json()) == written
    assert Manifest.from_json(changed(top_scores=MISSING)).top_scores is None
    assert Manifest.from_json(changed(exclude_bought=MISSING)).exclude_bought is False


def test_infinite_half_life_is_null_in_the_manifest():
    written = manifest(history=dataclasses.replace(HISTORY, half_life_days=math.inf))

    assert orjson.loads(written.to_json())["history"]["half_life_days"] is None


def test_manifest_accepts_read_only_mappings_and_numpy_numbers():
    weights = MappingProxyType({"view": 1.0})
    metrics = {"ndcg": np.float64(0.5), "hits": np.int64(3)}
    written = manifest(history=HistoryParameters(100, 30.0, weights), metrics=metrics)

    read = Manifest.from_json(written.to_json())

    assert read.history.event_weights == {"view": 1.0}
    assert read.metrics == {"ndcg": 0.5, "hits": 3}


def test_weights_halve_after_each_half_life():
    day_ms = 86_400_000
    weights, ages = [1.0, 1.0, 5.0, 5.0, 0.0, 3.0], [0, 30, 30, 60, 1, -1]  # The last event is in the future.
    found = history_weights(HISTORY, np.array(weights), np.array(ages) * day_ms)

    assert found.tolist() == [1.0, 0.5, 2.5, 1.25, 0.0, 3.0]
    assert found.dtype == np.float32


def test_infinite_half_life_means_no_decay():
    forever = dataclasses.replace(HISTORY, half_life_days=math.inf)

    assert history_weights(forever, np.array([1.0, 5.0]), np.array([0, 10**13])).tolist() == [1.0, 5.0]


@pytest.mark.parametrize("changes", [{"half_life_days": 0.0}, {"half_life_days": math.nan}, {"length": 0}])
def test_invalid_history_parameters_are_refused(changes):
    with pytest.raises(ValueError, match=f"^{next(iter(changes))} is .*, expected"):
        dataclasses.replace(HISTORY, **changes)
