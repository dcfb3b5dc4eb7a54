import numpy as np
import pytest

from alsolike.bundle.bundle import Bundle, history_weights
from alsolike.bundle.files import GRAPH_FILE
from alsolike.profiles.profile import RecentInteraction
from alsolike.runtime.errors import InvalidBundle
from model_export.algorithms import known
from model_export.algorithms.blend import Blend
from model_export.algorithms.buy_again import BuyAgain
from model_export.algorithms.transitions import Transitions
from model_export.data.interactions import Histories
from model_export.export.reference import document, fit_reference, settings_from
from model_export.export.writer import open_session, recommend
from tests.unit.model_export.shops import run_training, tiny_shop


@pytest.mark.parametrize("settings", known().values(), ids=known().keys())
def test_settings_are_unchanged_after_write_and_read(settings):
    assert settings_from(document(settings)) == settings


def test_combined_settings_are_unchanged_after_write_and_read():
    blend = Blend(half_life_days=30.0, parts=((BuyAgain(half_life_days=30.0), 1.0), (Transitions(), 0.4)))

    assert settings_from(document(blend)) == blend


def test_unknown_algorithm_or_setting_is_refused():
    with pytest.raises(InvalidBundle, match="'magic'"):
        settings_from({"algorithm": "magic"})
    with pytest.raises(InvalidBundle, match="wand"):
        settings_from({"algorithm": "popularity", "wand": 1.0})


def test_refitted_reference_ranks_like_the_bundle(tmp_path):
    dataset = tiny_shop(tmp_path / "dataset")
    algorithms = "transitions,buy_again,blend"
    manifest = run_training(dataset, tmp_path / "model", algorithms=algorithms, exclude_seen=False)
    bundle, requested = Bundle(tmp_path / "model"), ["item03", "not an item", "item07"]

    scores = fit_reference(manifest, dataset).scores(
        [
            RecentInteraction(time_ms, "e", item_id, "purchase")
            for item_id, time_ms in zip(requested, (0, 500, 1000), strict=True)
        ],
        now_ms=1000,
    )

    known_items = bundle.positions([item for item in requested if item.startswith("item")])
    weights = history_weights(manifest.history, np.array([5.0, 5.0]), np.array([1000, 0]))
    items, graph_scores = recommend(
        open_session(tmp_path / "model" / GRAPH_FILE),
        Histories(items=known_items[None, :], weights=weights[None, :]),
        exclude=np.zeros((1, 1), np.int64),
        k=15,
    )
    np.testing.assert_allclose(graph_scores[0], scores[items[0] - 1], rtol=1e-4)
    assert (np.diff(scores[items[0] - 1]) <= 1e-6).all()


def test_other_dataset_is_refused(tmp_path):
    dataset = tiny_shop(tmp_path / "dataset")
    manifest = run_training(dataset, tmp_path / "model", algorithms="popularity")
    document_path = dataset / "manifest.json"
    document_path.write_bytes(document_path.read_bytes().replace(b"run-1", b"run-2"))

    with pytest.raises(InvalidBundle, match="run-2"):
        fit_reference(manifest, dataset)
