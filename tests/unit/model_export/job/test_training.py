import shutil
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from alsolike.arrays.ragged import hashes_of
from alsolike.bundle.bundle import Bundle
from alsolike.bundle.files import CONTENT_FILE, FILES, GRAPH_FILE, MANIFEST_FILE, PUBLIC_FILE
from alsolike.bundle.public_lists import PublicLists
from alsolike.bundle.related import KINDS, SIMILAR, TOGETHER
from alsolike.events.interactions import ACTION_NOT_TAKEN, ACTION_TAKEN
from alsolike.snapshot.content_index import ContentIndex, Scales
from alsolike.training.dataset import CHAMPION_FOLDER, USERS_FILE
from model_export.algorithms import by_default
from model_export.algorithms.transitions import Transitions
from model_export.api import FitCost
from model_export.data import training_data
from model_export.data.training_data import load
from model_export.evaluation.cold_start import DEFAULT_SCALES
from model_export.export.writer import open_session, recommend
from model_export.processes import side_process
from tests.builders.sentence_model import write_model
from tests.unit.model_export.shops import circle_walks, history, run_training, tiny_shop, write_dataset

TIMES = {"fit_s", "peak_mb", "train_s", "created_ms"}


def without_times(value):
    if isinstance(value, dict):
        return {key: without_times(inner) for key, inner in value.items() if key not in TIMES}
    return [without_times(inner) for inner in value] if isinstance(value, list) else value


def test_actions_and_logged_responses_become_models_in_the_bundle(tmp_path):
    dataset = tiny_shop(tmp_path / "dataset")
    day_ms = 86_400_000
    rows = [
        {
            "profile_id": f"u#user{user}", "action_id": "app", "event_time_ms": 2 * day_ms * day + user,
            "event_type": ACTION_TAKEN if user % 2 else ACTION_NOT_TAKEN,
        }
        for day in range(8)
        for user in range(20)
    ]  # fmt: skip
    pq.write_table(pa.Table.from_pylist(rows), dataset / "action_interactions.parquet")
    pq.write_table(pa.table({"action_id": ["app"], "properties": ["{}"]}), dataset / "actions.parquet")
    responses = [
        {
            "profile_id": "u#user1", "served_ms": 1_702_000_000_000 + 3_600_000 * number, "device": "",
            "item_ids": ["item01", "item14"][:: 1 - 2 * (number % 2)], "scores": [2.0, 1.0], "places": [0, 1],
            "pairs": [0], "outcome_item_ids": ["item01"], "outcome_types": ["click"], "outcome_values": [0.0],
        }
        for number in range(700)
    ]  # fmt: skip
    pq.write_table(pa.Table.from_pylist(responses), dataset / "impressions.parquet")
    lines: list[str] = []

    manifest = run_training(dataset, tmp_path / "model", lines=lines)

    bundle = Bundle(tmp_path / "model")
    assert bundle.reranker is not None
    assert manifest.metrics["reranker"]["quality"]["ndcg"] == 1
    assert any(line.startswith("reranker: on, NDCG 1.0000, by score 0.") for line in lines)
    model = bundle.actions
    assert model.fitted
    assert manifest.metrics["actions"]["log_loss"] < manifest.metrics["actions"]["action_log_loss"]
    assert any(line.startswith("actions: log loss") for line in lines)


@pytest.mark.parametrize("public_lists", [False, True])
def test_public_lists_are_written_only_on_request(public_lists, tmp_path):
    manifest = run_training(tiny_shop(tmp_path / "dataset"), tmp_path / "model", public_lists=public_lists)

    lists = PublicLists.map(tmp_path / "model" / PUBLIC_FILE, items=manifest.items)
    assert (len(lists.popular) > 0) == public_lists


def test_small_dataset_becomes_a_bundle(tmp_path):
    dataset, lines = tiny_shop(tmp_path / "dataset", history_length=40), list[str]()

    manifest = run_training(dataset, tmp_path / "model", lines=lines, run_id="run-7", now_ms=123, holdout_days=3.0)

    bundle = Bundle(tmp_path / "model")
    assert bundle.manifest == manifest
    assert (manifest.metrics["protocol"], manifest.metrics["asked_users"]) == ("temporal", 20)
    assert bundle.reranker is None
    assert (manifest.version, manifest.dataset_id, manifest.created_ms) == ("run-7", "run-1", 123)
    assert (manifest.items, manifest.history.length) == (15, 40)
    # The weights are those of the dataset, so serving uses the same weights as training.
    assert manifest.history.event_weights == {"purchase": 5.0}
    assert bundle.metadata(int(bundle.positions(["item01"])[0])) == {"title": "First"}
    assert bundle.metadata(int(bundle.positions(["item02"])[0])) == {}
    assert sorted(bundle.popular.tolist()) == list(range(1, 16))
    candidates = manifest.metrics["candidates"]
    singles = [name for name in by_default() if name not in ("blend", "sasrec")]
    assert [candidate["algorithm"] for candidate in candidates] == [*singles, "blend"]
    by_name = {candidate["algorithm"]: candidate for candidate in candidates}
    best = max(singles, key=lambda name: by_name[name]["validation_ndcg"])
    assert manifest.algorithm in (best, "blend")
    assert by_name[manifest.algorithm]["winner_ahead_validation"] == [0, 0]
    assert by_name["popularity"]["winner_ahead_test"][0] <= by_name["popularity"]["winner_ahead_test"][1]
    winner = by_name[manifest.algorithm]
    assert f"ndcg_at_10={winner['ndcg']:.6f} hr_at_10={winner['hr']:.6f}" in lines  # SageMaker reads this line.
    assert list(manifest.metrics["left_out"]) == ["sasrec"]
    assert manifest.metrics["slices"]["users with more interactions"]["users"] > 0


def test_first_training_compares_quick_algorithms_unless_named(tmp_path, monkeypatch):
    monkeypatch.setattr(Transitions, "fit_cost", lambda *_: FitCost(seconds=100.0, megabytes=1.0))
    dataset = tiny_shop(tmp_path / "dataset")
    lines: list[str] = []

    first = run_training(dataset, tmp_path / "first", budget_mb=100_000)
    named = run_training(dataset, tmp_path / "named", budget_mb=100_000, algorithms="popularity,transitions")
    shutil.copytree(tmp_path / "first", dataset / CHAMPION_FOLDER)
    second = run_training(dataset, tmp_path / "second", budget_mb=100_000, lines=lines)

    assert "a first training compares algorithms of at most 60" in first.metrics["left_out"]["transitions"]
    assert "transitions" not in named.metrics["left_out"]
    assert "transitions" not in second.metrics["left_out"]
    assert "transitions: its 5 fits take about 500 processor seconds" in lines


def test_second_process_gives_an_identical_bundle(tmp_path, monkeypatch):
    dataset = tiny_shop(tmp_path / "dataset")
    settings: dict[str, Any] = {"algorithms": "popularity,item_knn,transitions,buy_again,blend", "budget_mb": 100_000}
    here = run_training(dataset, tmp_path / "here", **settings)
    monkeypatch.setattr(side_process, "is_worth_it", lambda _: True)
    fitted_here = []
    fit = Transitions.fit

    def noted(self, interactions):
        fitted_here.append(len(interactions))
        return fit(self, interactions)

    monkeypatch.setattr(Transitions, "fit", noted)
    apart = run_training(dataset, tmp_path / "apart", **settings)

    assert here.algorithm == "transitions"
    assert len(fitted_here) == 1  # The model of the bundle is fitted in this process.
    assert without_times(apart.metrics) == without_times(here.metrics)
    for name in FILES:
        if name != MANIFEST_FILE:
            assert (tmp_path / "apart" / name).read_bytes() == (tmp_path / "here" / name).read_bytes(), name


def test_bundle_recommends_the_usual_next_item(tmp_path):
    walks = circle_walks(users=24, items=12)
    run_training(write_dataset(tmp_path / "dataset", walks), tmp_path / "model", algorithms="transitions")
    bundle = Bundle(tmp_path / "model")
    had = bundle.positions(["item03", "item04"]).tolist()

    items, _ = recommend(
        open_session(tmp_path / "model" / GRAPH_FILE), history(*had), exclude=np.array([had], np.int64), k=1
    )

    assert bundle.item_id(int(items[0, 0])) == "item05"


def test_bundle_has_the_nearest_known_items_of_a_new_item(tmp_path):
    walks = circle_walks()
    kinds = {f"item{number:02d}": {"kind": f"k{number % 3}"} for number in range(9)}
    manifest = run_training(write_dataset(tmp_path / "dataset", walks, properties=kinds), tmp_path / "model")

    index = ContentIndex.map(tmp_path / "model" / CONTENT_FILE)
    positions, weights = index.nearest({"kind": "k1"})

    bundle = Bundle(tmp_path / "model")
    assert {bundle.item_id(position) for position in positions.tolist()} == {"item01", "item04", "item07"}
    assert weights.sum() == pytest.approx(1.0)
    assert index.scales == Scales(**manifest.metrics["cold_start"]["with_"]["scales"])
    assert not len(index.rare_hashes)


def test_rare_items_are_used_in_the_choice_of_the_cold_scale(tmp_path):
    """The catalogue contains items 9 to 11, which have all kinds but no interactions."""
    walks = circle_walks()
    kinds = {f"item{number:02d}": {"kind": f"k{number % 3}"} for number in range(12)}
    dataset = write_dataset(tmp_path / "dataset", walks, properties=kinds)

    lines: list[str] = []
    manifest = run_training(dataset, tmp_path / "model", algorithms="popularity", lines=lines)

    cold = manifest.metrics["cold_start"]
    assert cold["others"] == len(load(dataset).unlearned) == 3
    scales = cold["with_"]["scales"]
    assert scales["new"] == DEFAULT_SCALES.new  # The catalogue has no new items.
    assert scales["rare"] < DEFAULT_SCALES.rare
    index = ContentIndex.map(tmp_path / "model" / CONTENT_FILE)
    found = index.scales_of(hashes_of([b"item09", b"item10", b"item11", b"item12"])).tolist()
    assert found == pytest.approx([*[scales["rare"]] * 3, scales["new"]])
    assert any(f"at scale {scales['new']:g}, {scales['rare']:g} for rare ones" in line for line in lines)
    long = [f"{cold[name]['every_item_long']:.4f}" for name in ("without", "with_")]
    assert [f"in lists of 100 {long[0]} and {long[1]}" in line for line in lines].count(True) == 1


def test_rare_items_are_limited_in_number(tmp_path, monkeypatch):
    walks = circle_walks()
    numbers = {f"item{number:02d}": {"number": str(number)} for number in range(14)}
    monkeypatch.setattr(training_data, "MAX_COLD_ITEMS", 3)

    data = load(write_dataset(tmp_path / "dataset", walks, properties=numbers))

    assert data.unlearned == [{"number": "9"}, {"number": "11"}, {"number": "13"}]
    assert data.unlearned_ids == ["item09", "item10", "item11", "item12", "item13"]


def test_bundle_with_a_sentence_model_finds_synonyms(tmp_path):
    walks = circle_walks()
    words = ("sofa", "lamp", "desk", "oak", "red", "tall", "small", "blue", "green")
    titles = {f"item{number:02d}": {"title": word} for number, word in enumerate(words)}
    dataset, folder = write_dataset(tmp_path / "dataset", walks, properties=titles), write_model(tmp_path / "sentences")
    lines: list[str] = []
    run_training(dataset, tmp_path / "without", algorithms="popularity")
    manifest = run_training(
        dataset, tmp_path / "with", algorithms="popularity", sentence_model=folder, lines=lines, run_id="run-2"
    )

    assert manifest.metrics["sentences"] == {"columns": ("title",), "tokens": 7}
    assert "sentence model: 7 tokens in 3 dimensions; an item's text is title" in lines
    found = {}
    for name in ("without", "with"):
        positions, _ = ContentIndex.map(tmp_path / name / CONTENT_FILE).nearest({"title": "couch"})
        found[name] = [Bundle(tmp_path / name).item_id(position) for position in positions.tolist()]
    assert found == {"without": [], "with": ["item00"]}


def test_sentence_model_is_not_used_for_items_without_text(tmp_path):
    walks = circle_walks()
    numbers = {f"item{number:02d}": {"price": number} for number in range(9)}
    lines: list[str] = []

    manifest = run_training(
        write_dataset(tmp_path / "dataset", walks, properties=numbers), tmp_path / "model",
        algorithms="popularity", sentence_model=write_model(tmp_path / "sentences"), lines=lines,
    )  # fmt: skip

    assert manifest.metrics["sentences"] is None
    assert any(line.startswith("the sentence model is not used: no column") for line in lines)


def test_bundle_has_similar_items_and_items_bought_together(tmp_path):
    pairs = {f"user{user}": [f"item{2 * (user % 4) + step % 2:02d}" for step in range(40)] for user in range(20)}
    dataset = write_dataset(tmp_path / "dataset", pairs, step_ms=10 * 60_000)
    manifest = run_training(dataset, tmp_path / "model", algorithms="popularity")

    bundle = Bundle(tmp_path / "model")

    for kind in KINDS:
        for first, second in (("item00", "item01"), ("item07", "item06")):
            items, scores = bundle.related(kind, int(bundle.positions([first])[0]))
            assert [bundle.item_id(position) for position in items.tolist()] == [second]
            assert 0 < scores[0] < 1
    # The validation window has the steps from minute 312 to 351 of 390, four per user, with one item after the other.
    # The eight items are fewer than ten, so the most frequent ones are hits as well.
    assert manifest.metrics["related"] == {
        SIMILAR: {"asked": 20 * 3, "hr": 1.0, "popular_hr": 1.0},
        TOGETHER: {"asked": 20 * 2, "hr": 1.0, "popular_hr": 1.0},
    }


def test_bundle_has_popular_items_per_user_group(tmp_path):
    walks = {f"user{user}": [f"item{(user % 2 + 2 * step) % 8:02d}" for step in range(6)] for user in range(40)}
    plans = {f"user{user}": {"plan": "even" if user % 2 == 0 else "odd"} for user in range(40)}
    dataset = write_dataset(tmp_path / "dataset", walks)
    documents = [orjson.dumps(plan).decode() for plan in plans.values()]
    pq.write_table(pa.table({"user_id": list(plans), "properties": documents}), dataset / USERS_FILE)
    run_training(dataset, tmp_path / "model")

    bundle = Bundle(tmp_path / "model")

    for plan, first in (("even", 0), ("odd", 1)):
        group = bundle.groups.of({"plan": plan})
        assert group.users == 20
        items = {bundle.item_id(position) for position in group.items}
        assert items == {f"item{number:02d}" for number in range(first, 8, 2)}


def test_same_data_give_the_same_bytes(tmp_path):
    dataset = tiny_shop(tmp_path / "dataset")

    for name, now_ms in (("first", 1), ("second", 2)):
        run_training(dataset, tmp_path / name, now_ms=now_ms)

    for name in FILES:
        assert (tmp_path / "first" / name).read_bytes() == (tmp_path / "second" / name).read_bytes(), name
    first, second = (orjson.loads((tmp_path / name / MANIFEST_FILE).read_bytes()) for name in ("first", "second"))
    assert without_times(first) == without_times(second)


def test_training_reports_histories_longer_than_the_model_length(tmp_path):
    lines: list[str] = []

    run_training(
        tiny_shop(tmp_path / "dataset", history_length=2), tmp_path / "model", algorithms="popularity", lines=lines
    )

    assert [line for line in lines if "which are all that a model reads" in line]


def test_seen_items_are_excluded_unless_repeats_are_frequent(tmp_path):
    once = circle_walks(items=20, length=10)
    again = {user: items[:5] * 2 for user, items in once.items()}

    new = run_training(write_dataset(tmp_path / "once", once), tmp_path / "new")
    repeated = run_training(write_dataset(tmp_path / "again", again), tmp_path / "repeated")

    assert (new.metrics["repeat_share"], new.exclude_seen) == (0.0, True)
    assert (repeated.metrics["repeat_share"], repeated.exclude_seen) == (1.0, False)
    mixed = {user: (once if index % 2 else again)[user] for index, user in enumerate(once)}
    assert run_training(write_dataset(tmp_path / "mixed", mixed), tmp_path / "forced", exclude_seen=True).exclude_seen


def test_bought_items_are_excluded_if_only_views_repeat(tmp_path):
    """In one shop, each user views an item, buys it and views it again. In the other one, each user buys it twice."""
    walks = {user: [item for item in items for _ in range(3)] for user, items in circle_walks(items=20).items()}
    once = dict.fromkeys(walks, ["view", "purchase", "view"] * 6)
    often = dict.fromkeys(walks, ["view", "purchase", "purchase"] * 6)
    lines: list[str] = []

    shop = write_dataset(tmp_path / "once", walks, event_types=once)
    books = run_training(shop, tmp_path / "books", lines=lines)
    grocer = run_training(write_dataset(tmp_path / "often", walks, event_types=often), tmp_path / "grocer")

    assert (books.exclude_seen, books.exclude_bought, books.metrics["seen"]) == (False, True, "masked if bought")
    assert (grocer.exclude_seen, grocer.exclude_bought, grocer.metrics["seen"]) == (False, False, "allowed")
    assert books.metrics["repurchase_share"] == 0.0
    assert grocer.metrics["repurchase_share"] > 0.5
    assert any("and 0.0% of later purchases were repeats, seen items are masked if bought" in line for line in lines)
    assert Bundle(tmp_path / "books").manifest == books


def test_repeats_of_the_test_part_do_not_change_the_exclusion(tmp_path):
    walks = circle_walks(items=20, length=10)
    repeated_last = {user: [*items, items[0]] for user, items in walks.items()}

    manifest = run_training(write_dataset(tmp_path / "dataset", repeated_last), tmp_path / "model", holdout_days=1.0)

    assert manifest.metrics["protocol"] == "temporal"
    assert (manifest.metrics["repeat_share"], manifest.exclude_seen) == (0.0, True)


def test_items_with_equal_scores_are_sorted_by_frequency_then_id(tmp_path):
    sequences = {f"user{user}": ["b", "c", "c", "a", f"x{user}"] for user in range(5)}

    run_training(write_dataset(tmp_path / "dataset", sequences), tmp_path / "model")

    bundle = Bundle(tmp_path / "model")
    assert [bundle.item_id(position) for position in range(1, 9)] == ["c", "a", "b", "x0", "x1", "x2", "x3", "x4"]
    assert load(tmp_path / "dataset").item_ids == ["a", "b", "c", "x0", "x1", "x2", "x3", "x4"]
