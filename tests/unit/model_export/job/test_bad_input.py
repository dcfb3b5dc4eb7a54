import json
import math

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from alsolike.bundle.bundle import Bundle
from alsolike.runtime.errors import InvalidDataset, InvalidInput
from alsolike.training.dataset import INTERACTIONS_FILE
from cli.evaluate import evaluate
from cli.group import CommandGroup
from model_export.algorithms import known
from model_export.algorithms.blend import Blend
from model_export.algorithms.buy_again import BuyAgain
from model_export.algorithms.popularity import Popularity
from model_export.algorithms.repurchase import Repurchase
from model_export.algorithms.transitions import Transitions
from model_export.api import Combination
from tests.unit.model_export.shops import (
    circle_walks,
    history,
    interactions,
    random_sequences,
    run_training,
    tiny_shop,
    write_dataset,
)

LEARNED_FROM_LITTLE = [name for name in known() if name != "sasrec"]
"""Algorithms for few interactions. SASRec requires `MIN_INTERACTIONS`."""

WALKS = {f"user{user}": walk for user, walk in enumerate(random_sequences(users=20, items=15, length=12))}


def with_walks(others):
    return {**{user: [f"item{item:02d}" for item in walk] for user, walk in WALKS.items()}, **others}


def write_rows(path, rows):
    path.write_text("USER_ID,ITEM_ID,TIMESTAMP\n" + "".join(f"{user},{item},{time}\n" for user, item, time in rows))
    return path


def evaluated(path, *arguments, protocol="leave-one-out"):
    command = ["evaluate", "--interactions", str(path), "--protocol", protocol, "--json", *arguments]
    app = CommandGroup()
    app.command()(evaluate)
    result = CliRunner().invoke(app, command, catch_exceptions=False)
    return json.loads(result.stdout), result.stderr


def hit_rates(document):
    return {result["seen"]: result["hr"] for result in document["results"]}


@pytest.mark.parametrize("name", LEARNED_FROM_LITTLE)
def test_users_with_one_event_are_trained_on_and_not_tested(name, tmp_path):
    once = {f"once{user}": [f"lone{user}"] for user in range(5)}

    manifest = run_training(write_dataset(tmp_path / "dataset", with_walks(once)), tmp_path / "model", algorithms=name)

    assert (manifest.algorithm, manifest.metrics["asked_users"], manifest.items) == (name, 20, 15 + 5)


@pytest.mark.parametrize("name", [name for name in LEARNED_FROM_LITTLE if not isinstance(known()[name], Combination)])
def test_item_without_interactions_is_not_recommended(name):
    data = interactions([[1, 2, 3], [1, 2, 3], [2, 3, 1]], items=4)
    model = known()[name].fit(data)

    after_it = model.score(history(4))[0]

    assert model.score(history(1, 2))[0, 4] == 0
    if isinstance(model.settings, Popularity):
        assert after_it.tolist() == model.score(history(1))[0].tolist()  # The scores are equal for all users.
    elif isinstance(model.settings, BuyAgain | Repurchase):
        assert np.flatnonzero(after_it).tolist() == [4]  # Only the user's item has a score.
    else:
        assert not after_it.any()


def test_blend_scores_an_item_without_interactions_by_its_parts():
    parts = ((Popularity(trend_half_life_days=math.inf), 1.0), (Transitions(), 1.0))

    scores = Blend(parts=parts).fit(interactions([[1, 2], [2, 1]], items=3)).score(history(3))

    assert scores.tolist() == [[0, 1 / 2, 1 / 2, 0]]


@pytest.mark.parametrize("name", LEARNED_FROM_LITTLE)
def test_target_without_interactions_is_a_miss(name, tmp_path):
    rows = [(f"u{user}", f"i{(user + step) % 6}", step) for user in range(12) for step in range(5)]
    new = [(f"u{user}", f"new{user}", 9) for user in range(12)]

    document, _ = evaluated(write_rows(tmp_path / "rows.csv", [*rows, *new]), "--algorithms", name, "--k", "18")

    assert document["items"] == 6 + 12
    assert hit_rates(document) == {"masked": 0, "allowed": 0}


def test_catalogue_item_without_interactions_is_not_in_the_bundle(tmp_path):
    dataset = write_dataset(tmp_path / "dataset", with_walks({}), properties={"new": {"title": "New"}})

    run_training(dataset, tmp_path / "model", algorithms="popularity")

    assert Bundle(tmp_path / "model").positions(["new", "item01"]).astype(bool).tolist() == [False, True]


@pytest.mark.parametrize("name", LEARNED_FROM_LITTLE)
def test_data_with_a_single_item_have_hits_only_for_repeats(name, tmp_path):
    path = write_rows(tmp_path / "rows.csv", [(f"u{user}", "x", time) for user in range(8) for time in range(5)])

    document, messages = evaluated(path, "--algorithms", name)

    repeats = name in ("blend", "buy_again", "distilled", "popularity", "repurchase")
    assert hit_rates(document) == {"masked": 0, "allowed": 1 if repeats else 0}
    assert "note: seen masked has no test users: no user has a target that may be recommended" in messages
    assert "seen allowed has no test users" not in messages


@pytest.mark.parametrize("name", LEARNED_FROM_LITTLE)
def test_events_at_one_time_are_held_out_in_row_order(name, tmp_path):
    dataset = write_dataset(tmp_path / "dataset", with_walks({}), step_ms=0)

    manifest = run_training(dataset, tmp_path / "model", algorithms=name)

    assert (manifest.algorithm, manifest.metrics["protocol"]) == (name, "leave-one-out")
    assert manifest.metrics["asked_users"] > 0


def test_events_at_one_time_cannot_be_split_by_time(tmp_path):
    path = write_rows(tmp_path / "rows.csv", [(user, f"i{item}", 7) for user, walk in WALKS.items() for item in walk])

    with pytest.raises(InvalidInput, match="the validation part of the temporal protocol is empty"):
        evaluated(path, protocol="temporal")


@pytest.mark.parametrize("name", LEARNED_FROM_LITTLE)
def test_duplicate_rows_count_and_are_reported(name, tmp_path):
    rows = [(user, f"i{item}", step) for user, walk in WALKS.items() for step, item in enumerate(walk, start=1)]

    document, messages = evaluated(write_rows(tmp_path / "rows.csv", [*rows, *rows]), "--algorithms", name)

    assert document["interactions"] == 2 * 240
    assert "note: all rows count, also 240 rows with the user, item and time of another row" in messages
    assert hit_rates(document)["masked"] == 0  # The last row of each user repeats the previous row.


@pytest.mark.parametrize("name", ["popularity", "ease", "item_knn"])
def test_duplicate_rows_do_not_change_models_that_count_users(name):
    walks = [[1, 2, 3], [2, 3], [3, 1]]
    once = known()[name].fit(interactions(walks))
    twice = known()[name].fit(interactions([[item for item in walk for _ in range(2)] for walk in walks], step_ms=0))

    np.testing.assert_allclose(twice.score(history(1, 2)), once.score(history(1, 2)), rtol=1e-6)


def test_duplicate_rows_count_twice_for_transitions():
    plain = Transitions(gap_decay=0.5, max_gap=3, backward=0.0, source_power=0.0, position_decay=1.0)

    # In the sequence 1, 1, 2, 2, the first 1 is followed by 2 at the gaps 2 and 3, and the second 1 at the gaps 1 and
    # 2.
    assert plain.fit(interactions([[1, 1, 2, 2]])).score(history(1))[0, 2] == (0.5 + 0.25) + (1 + 0.5)


@pytest.mark.parametrize("weight", [math.nan, math.inf, -5.0, 0.0])
def test_invalid_weight_is_refused_with_its_row(weight, tmp_path):
    dataset = tiny_shop(tmp_path / "dataset")
    table = pq.read_table(dataset / INTERACTIONS_FILE)
    weights = [*[5.0] * 2, weight, weight, *[5.0] * (len(table) - 4)]
    pq.write_table(table.set_column(3, "weight", pa.array(weights, pa.float32())), dataset / INTERACTIONS_FILE)

    message = (
        rf"interactions.parquet has 2 rows whose weight is not a finite number above 0; the first is row 3 \({weight}\)"
    )
    with pytest.raises(InvalidDataset, match=message):
        run_training(dataset, tmp_path / "model")


def test_empty_time_holdout_falls_back_to_leave_one_out(tmp_path):
    manifest = run_training(
        tiny_shop(tmp_path / "dataset"), tmp_path / "model", algorithms="popularity", holdout_days=0
    )

    assert (manifest.metrics["protocol"], manifest.metrics["asked_users"]) == ("leave-one-out", 20)


def test_holdout_of_only_seen_items_is_refused_without_repeats(tmp_path):
    again = {user: 2 * items for user, items in circle_walks(items=20, length=5).items()}

    with pytest.raises(InvalidDataset, match=r"0 users have an item in the validation part .* at least 5, 5 more"):
        run_training(write_dataset(tmp_path / "dataset", again), tmp_path / "model", exclude_seen=True)


def test_empty_window_error_has_the_dates_and_the_latest_time(tmp_path):
    # The window is a tenth of the time from 1970-01-01 to 2001-09-09, but at most 28 days.
    rows = [(f"u{user}", f"i{step}", step) for user in range(4) for step in range(9)]
    path = write_rows(tmp_path / "rows.csv", [*rows, ("u1", "i1", 1_000_000_000)])

    with pytest.raises(InvalidInput, match="from 2001-07-15 to 2001-08-12; the latest of all is of 2001-09-09"):
        evaluated(path, protocol="temporal")


def test_interactions_of_the_future_are_reported(tmp_path):
    # All other rows are more than a thousand half-lives older, so popularity has one item with a score.
    rows = [(f"u{user}", f"i{step}", step) for user in range(9) for step in range(9)]
    path = write_rows(tmp_path / "rows.csv", [("u0", "i0", 9_000_000_000), *rows])
    now = write_rows(tmp_path / "now.csv", rows)

    messages, nothing = (evaluated(each, "--algorithms", "popularity")[1] for each in (path, now))

    note = "note: 1 interaction is in the future, up to 2255-03-14. An import rejects them, an evaluation counts them"
    assert note in messages.splitlines()
    assert "future" not in nothing


def test_event_after_a_quiet_period_is_reported_and_excluded(tmp_path):
    days = [(f"u{user}", f"i{(user + day) % 9}", day * 86_400) for user in range(9) for day in range(40)]
    path = write_rows(tmp_path / "rows.csv", [*days, ("u0", "i0", 400 * 86_400)])

    document, messages = evaluated(path, "--algorithms", "popularity", protocol="temporal")

    assert document["test_window"][1] == "1970-02-09 00:00"
    reason = "is left out: fewer than 5 users follow a quiet period"
    assert f"note: 1 interaction after 1970-02-09, the end of the test, {reason}" in messages.splitlines()


def test_empty_window_of_a_file_is_refused(tmp_path):
    path = write_rows(tmp_path / "rows.csv", [(f"u{user}", f"i{step}", step) for user in range(9) for step in range(9)])

    with pytest.raises(InvalidInput, match="the validation part of the temporal protocol is empty: no user has"):
        evaluated(path, "--holdout-days", "0", protocol="temporal")


@pytest.mark.parametrize(
    ("users", "items", "length", "missing"),
    [
        (4, 6, 6, "1 users more"),
        (5, 4, 6, "1 items more"),
        (6, 6, 3, "2 interactions more"),
        (3, 2, 2, "2 users and 3 items and 14 interactions more"),
        (0, 0, 0, "5 users and 5 items and 20 interactions more"),
    ],
)
def test_dataset_below_a_minimum_error_has_the_missing_number(users, items, length, missing, tmp_path):
    walks = {f"user{user}": [f"item{(user + step) % items}" for step in range(length)] for user in range(users)}

    message = (
        f"dataset run-1 holds {users} users, {items} items and {users * length} interactions; "
        f"training needs at least 5 users, 5 items and 20 interactions: {missing}$"
    )
    with pytest.raises(InvalidDataset, match=message):
        run_training(write_dataset(tmp_path / "dataset", walks), tmp_path / "model")


@pytest.mark.parametrize(
    ("others", "requested", "missing"),
    [(1, 0, "0 users .* 5 more"), (2, 0, "0 users .* 5 more"), (2, 4, "4 users .* 1 more")],
)
def test_too_few_test_users_error_has_the_missing_number(others, requested, missing, tmp_path):
    """A test user needs three interactions. The other users have one or two."""
    walks = circle_walks(users=30, items=6, length=others)
    walks |= {f"asked{user}": ["item00", "item01", "item02"] for user in range(requested)}

    message = missing.replace(".*", r"have 3 interactions or more; .* at least 5,")
    with pytest.raises(InvalidDataset, match=message):
        run_training(write_dataset(tmp_path / "dataset", walks, step_ms=0), tmp_path / "model")


def test_sasrec_refuses_too_few_interactions_with_its_minimum(tmp_path):
    pytest.importorskip("torch", reason="make setup WITH=neural installs it")

    with pytest.raises(InvalidInput, match="it learns from 5,000 interactions on, there are"):
        run_training(tiny_shop(tmp_path / "dataset"), tmp_path / "model", algorithms="sasrec")
