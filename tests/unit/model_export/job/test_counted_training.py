"""Training on the interactions of sampled users and on statistics of all users."""

import dataclasses

import numpy as np
import pyarrow.parquet as pq
import pytest

from alsolike.bundle.bundle import Bundle
from alsolike.bundle.related import SIMILAR
from alsolike.declarations.times import DAY_MS
from alsolike.runtime.errors import InvalidDataset, InvalidInput
from alsolike.training.dataset import (
    CHAMPION_FOLDER,
    IMPORTED_FOLDER,
    INTERACTIONS_FILE,
    MANIFEST_FILE,
    DatasetManifest,
)
from model_export.data.interactions import Histories
from model_export.data.training_data import load
from model_export.export.reference import settings_from
from model_export.export.writer import open_session, recommend
from tests.builders.scoring_graphs import scoring_graph, write_folder
from tests.unit.model_export.counting import counts_of
from tests.unit.model_export.shops import random_sequences, run_training, write_dataset

USERS, DAYS = 60, 40


def walks(*, days=DAYS):
    sequences = random_sequences(users=USERS, items=30, length=DAYS)
    return {f"user{user:02}": [f"item{item:02}" for item in items[:days]] for user, items in enumerate(sequences)}


def shop(directory):
    return write_dataset(directory, walks())


def counted(directory, *, sampled, champion_ms=None):
    """Write the statistics of a shop, and keep only the interactions of `sampled` users. Return the complete data."""
    whole = load(shop(directory))
    counts_of(directory, whole.interactions, whole.item_ids, champion_ms=champion_ms)
    rows = pq.read_table(directory / INTERACTIONS_FILE)
    kept = rows.filter([int(user[-2:]) < sampled for user in rows["profile_id"].to_pylist()])
    pq.write_table(kept, directory / INTERACTIONS_FILE)
    manifest = DatasetManifest.from_json((directory / MANIFEST_FILE).read_bytes())
    (directory / MANIFEST_FILE).write_bytes(dataclasses.replace(manifest, sampled_interactions=len(kept)).to_json())
    return whole


def test_exported_model_is_fitted_on_all_users(tmp_path):
    whole = counted(tmp_path / "dataset", sampled=20).by_frequency()

    lines: list[str] = []
    manifest = run_training(tmp_path / "dataset", tmp_path / "model", lines=lines)

    assert manifest.metrics["dataset"] == {"interactions": USERS * DAYS, "users": USERS}
    assert manifest.metrics["statistics"]["asked_of_users"] == 20
    assert any("whose 800 interactions are here" in line for line in lines)
    algorithms = {each["algorithm"] for each in manifest.metrics["candidates"]}
    assert algorithms == {"blend", "ease", "item_knn", "popularity", "transitions"}
    assert set(manifest.metrics["left_out"]) >= {"buy_again", "repurchase", "content", "slist"}
    assert "cannot be fitted from the dataset's statistics" in manifest.metrics["left_out"]["buy_again"]
    bundle = Bundle(tmp_path / "model")
    assert [bundle.item_id(position) for position in range(1, 31)] == list(whole.item_ids)
    expected = settings_from(manifest.metrics["settings"]).fit(whole.interactions)
    histories = Histories(items=np.array([[3, 5], [30, 7]]), weights=np.ones((2, 2), np.float32))
    _, scores = recommend(
        open_session(tmp_path / "model" / "graph.onnx"), histories, exclude=np.zeros((2, 1), np.int64), k=5
    )
    best = -np.sort(-expected.score(histories), axis=1)[:, :5]
    np.testing.assert_allclose(scores, best, rtol=1e-4)


def test_interactions_are_not_in_the_statistics_of_the_fit(tmp_path):
    counted(tmp_path / "dataset", sampled=20)

    manifest = run_training(tmp_path / "dataset", tmp_path / "model", algorithms="popularity,transitions")

    start_ms = manifest.last_event_ms - (DAYS - 1) * DAY_MS
    tenth_ms = (manifest.last_event_ms - start_ms) // 10
    assert manifest.metrics["protocol"] == "temporal, counted"
    moments = manifest.metrics["statistics"]["moments_ms"]
    assert moments == pytest.approx([manifest.last_event_ms - 2 * tenth_ms, manifest.last_event_ms], abs=0.1 * tenth_ms)


def test_candidate_from_statistics_is_compared_with_the_champion(tmp_path):
    before = write_dataset(tmp_path / "before", walks(days=DAYS - 2))
    champion = run_training(before, tmp_path / "champion", run_id="champion", algorithms="popularity,transitions")
    dataset = tmp_path / "dataset"
    counted(dataset, sampled=20, champion_ms=champion.last_event_ms)
    (tmp_path / "champion").rename(dataset / CHAMPION_FOLDER)

    manifest = run_training(dataset, tmp_path / "model", run_id="next", algorithms="popularity,transitions")

    against = manifest.metrics["against_champion"]
    assert (against["version"], against["refusal"]) == ("champion", None)
    assert against["asked_users"] > 0
    new = manifest.metrics["new_data"]
    assert champion.last_event_ms == new["since_ms"] < new["half_ms"] < manifest.last_event_ms
    assert new["taught"]["users"] == new["foreseen"]["users"] == 20
    # Both models have the same training data.
    assert against["candidate"]["ndcg"] == pytest.approx(against["champion"]["ndcg"], abs=0.02)


def test_similar_items_use_all_users(tmp_path):
    whole = counted(tmp_path / "dataset", sampled=20)
    run_training(tmp_path / "dataset", tmp_path / "of-counts", algorithms="popularity")
    everybody = tmp_path / "everybody"
    assert load(shop(everybody)).item_ids == whole.item_ids
    run_training(everybody, tmp_path / "of-interactions", algorithms="popularity")

    found, expected = (Bundle(tmp_path / name) for name in ("of-counts", "of-interactions"))

    for position in range(1, 31):
        ours, theirs = found.related(SIMILAR, position)[1], expected.related(SIMILAR, position)[1]
        assert len(theirs) > 5
        np.testing.assert_allclose(ours, theirs, rtol=2e-3)  # Values have a precision of 16 bits.


def test_too_few_sampled_users_error_has_the_setting(tmp_path):
    counted(tmp_path / "dataset", sampled=5)
    rows = pq.read_table(tmp_path / "dataset" / INTERACTIONS_FILE)
    early = [
        user != "u#user04" or time < rows["event_time_ms"][0].as_py() + 9 * DAY_MS
        for user, time in zip(rows["profile_id"].to_pylist(), rows["event_time_ms"].to_pylist(), strict=True)
    ]
    pq.write_table(rows.filter(early), tmp_path / "dataset" / INTERACTIONS_FILE)

    with pytest.raises(InvalidDataset, match=r"4 of 5 sampled users .* Raise spark_sample_interactions"):
        run_training(tmp_path / "dataset", tmp_path / "model")


def test_holdout_different_from_the_statistics_is_refused(tmp_path):
    counted(tmp_path / "dataset", sampled=20)

    with pytest.raises(InvalidInput, match="holdout_days is 3, expected none"):
        run_training(tmp_path / "dataset", tmp_path / "model", holdout_days=3.0)


def test_graph_cannot_be_imported_next_to_statistics(tmp_path):
    counted(tmp_path / "dataset", sampled=20)
    write_folder(tmp_path / "dataset" / IMPORTED_FOLDER, scoring_graph(1), ["item01"])

    with pytest.raises(InvalidInput, match="a graph cannot be imported with spark_statistics"):
        run_training(tmp_path / "dataset", tmp_path / "bundle")
