"""Distributions that each drift metric compares, and cases with too little data."""

import dataclasses
import io

import numpy as np
import pytest

from alsolike.declarations.storage import MONITORING_LATEST_KEY
from alsolike.declarations.times import DAY_MS
from alsolike.runtime.errors import InvalidBundle, InvalidInput, NotFound
from alsolike.training.drift_reference import Categories, ItemCount, ranked, reference_of
from alsolike.training.monitoring import Drift, DriftReport, report_key
from alsolike.training.stability_index import Histogram, psi
from functions.build_dataset.drift_reference import reference
from functions.monitor_models import lake_reader
from tests.builders.lambda_events import NOW_MS
from tests.unit.functions.monitor_models.shop import HOUR_MS, ITEMS, RULES, catalogue, event, frame_of, shopping


def figure_of(report, name):
    (figure,) = (figure for figure in report.figures if figure.name == name)
    return figure


def reference_for(items, *, column=None, values=None, **counts):
    parts = {"activity": {}, "lengths": {}, "history_length": 100, "event_types": {}, "days": {}, **counts}
    return reference_of(items, column=column, values=values or {}, **parts)


@pytest.fixture
def checks(shop):
    def look(*rows):
        shop.happened(rows)
        return {check.name: check for check in shop.look().checks}

    return look


def test_equal_weeks_have_no_drift(shop):
    rows = shopping()
    shop.champion(rows)
    shop.happened(rows)

    report = shop.look()

    values = {each.name: each.value for each in report.figures if each.value is not None}
    assert values == {"item_popularity": 0.0, "event_types": 0.0}
    assert (report.unknown_item_share, report.unknown_user_share) == (0.0, 0.0)
    assert (report.interactions, report.users, report.sampled) == (600, 150, 1)


def test_more_active_users_give_activity_and_history_drift(shop):
    shop.champion(shopping(users=250))
    shop.happened(shopping(users=250, each=12, seed=2))

    report = shop.look()

    assert figure_of(report, Drift.USER_ACTIVITY).current == 250
    # All 250 users had 4 interactions, which is the fourth bin. Now all have 12, which is in a later bin.
    assert figure_of(report, Drift.USER_ACTIVITY).value == pytest.approx(psi([250, 0], [0, 250]), abs=1e-6)
    assert figure_of(report, Drift.HISTORY_LENGTH).value == pytest.approx(psi([250, 0], [0, 250]), abs=1e-6)


def test_item_popularity_is_compared_by_deciles_of_the_reference(shop):
    """Each of two items has half of the interactions. Later, one of them has 90%."""
    then = [event(f"t{n}", f"user-{n % 200}", ("a", "b")[n // 200], NOW_MS - n) for n in range(400)]
    now = [event(f"n{n}", f"user-{n // 2}", "a" if n < 360 else "b", NOW_MS - n) for n in range(400)]
    shop.champion(then)
    shop.happened(now)

    found = figure_of(shop.look(), Drift.ITEM_POPULARITY)

    assert found.value == pytest.approx(psi([200, 200], [360, 40]), abs=1e-6)
    # Each user has two interactions with one item. So the design effect is 2, corrected by 200 / 199 for 200 users.
    assert found.by_chance == pytest.approx(2 * 200 / 199 * (1 / 400 + 1 / 400), abs=1e-6)
    assert found.threshold == pytest.approx(0.25 + 2 * 200 / 199 * (1 / 400 + 1 / 400), abs=1e-6)


def test_unknown_items_and_users_are_reported_as_shares(shop):
    rows = shopping(users=60)
    shop.champion(rows)
    shop.happened(rows)
    last_ms = max(row["event_time_ms"] for row in rows)
    shop.happened([event(f"x{n}", f"new-{n // 3}", "unheard-of", last_ms + 1 + n) for n in range(60)])

    report = shop.look()

    assert report.unknown_item_share == pytest.approx(60 / 300)
    assert report.unknown_user_share == pytest.approx(20 / 80)
    assert figure_of(report, Drift.ITEM_POPULARITY).current == 240


def test_category_popularity_uses_the_catalogue_categories(shop, monkeypatch):
    rows = shopping(users=100, tail=0.2)
    kinds = {item: ("fruit", "tools")[number % 2] for number, item in enumerate(ITEMS)}
    described = reference(frame_of(rows), catalogue(kinds), minimum_user_interactions=2, history_length=100)
    shop.champion(rows, described=described)
    shop.happened(rows)

    class Catalogue:
        """Catalogue in which all items are fruit, including those that were tools at the training."""

        def rows(self, item_ids):
            return np.arange(len(item_ids))

        def properties(self, row):
            return {"category": "fruit|red"}

    monkeypatch.setattr("functions.monitor_models.service._catalogue", lambda stores, now_ms: Catalogue())
    found = figure_of(shop.look(), Drift.CATEGORY_POPULARITY)

    assert described.category_popularity.column == "category"
    fruit = sum(kinds[str(row["item_id"])] == "fruit" for row in rows)
    assert found.value == pytest.approx(psi([fruit, 400 - fruit], [400, 0]), abs=1e-6)


def test_top_scores_come_from_responses_to_people_without_rules_or_filters(shop):
    shop.champion(shopping(), top_scores=Histogram((1.0,), (300, 300)))
    shop.answered([0.5] * 200 + [1.5] * 100)
    shop.answered([9.0] * 500, filter="in-stock", now_ms=NOW_MS - HOUR_MS)
    shop.answered([9.0] * 500, model_version="v0", now_ms=NOW_MS - 2 * HOUR_MS)
    shop.answered([9.0] * 500, agent="assistant")
    # The users are the same, but the responses are before the window.
    shop.answered([9.0] * 300, now_ms=NOW_MS - 3 * HOUR_MS)
    shop.happened(shopping())

    found = figure_of(shop.look(), Drift.TOP_SCORE)

    assert (found.reference, found.current) == (600, 300)
    assert found.value == pytest.approx(psi([300, 300], [200, 100]), abs=1e-6)


def test_champion_without_reference_gives_a_reason_for_each_figure(shop):
    rows = shopping()
    shop.champion(rows, with_reference=False)
    shop.happened(rows)

    report = shop.look()

    assert {each.reason for each in report.figures} == {
        "the dataset of an earlier version has no reference",
        "the champion of an earlier version has no reference",
    }
    assert all(each.value is None for each in report.figures)
    assert report.unknown_item_share == 0


def test_missing_dataset_is_reported_as_the_reason(shop):
    shop.champion(shopping())
    shop.happened(shopping())
    shop.places.s3.delete_object(Bucket=shop.places.artefact_bucket, Key="datasets/v1/manifest.json")

    assert figure_of(shop.look(), Drift.ITEM_POPULARITY).reason == "dataset v1 was deleted"


def test_missing_champion_files_raise_not_found(shop):
    shop.champion(shopping())
    shop.places.s3.delete_object(Bucket=shop.places.artefact_bucket, Key="models/v1/ids.idx.npy")

    with pytest.raises(NotFound, match=r"models/v1/ids\.idx\.npy does not exist"):
        shop.look()


@pytest.mark.parametrize(
    ("users", "each", "reason"),
    [(49, 4, "600 before and 196 now, expected 200 of both"), (29, 8, "29 users now, expected 30")],
)
def test_too_few_events_or_users_give_no_drift_value(shop, users, each, reason):
    shop.champion(shopping())
    shop.happened(shopping(users=users, each=each))

    found = figure_of(shop.look(), Drift.ITEM_POPULARITY)

    assert (found.value, found.reason) == (None, reason)


def test_empty_lake_and_missing_champion_are_reported(shop):
    report = shop.look()

    assert (report.champion, report.lake_silent_h, report.interactions) == (None, None, 0)
    assert {each.reason for each in report.figures} == {"there is no champion yet"}
    assert all(check.share is None for check in report.checks)


def test_lake_without_recent_events_is_not_compared(shop):
    rows = shopping()
    shop.champion(rows)
    shop.happened(rows)

    report = shop.look(now_ms=NOW_MS + 3 * DAY_MS, rules=dataclasses.replace(RULES, silent_hours=24))

    assert {each.reason for each in report.figures} == {"the lake has had no event for 24 hours"}
    assert report.lake_silent_h is not None
    assert 72 < report.lake_silent_h < 73 + 24
    assert report.champion_age_h == report.lake_silent_h


def test_events_count_once_and_only_inside_the_window(shop):
    shop.champion(shopping())
    rows = shopping(users=50)
    shop.happened(rows)
    shop.happened(rows)
    shop.happened([event("before", "user-1", "item-00", NOW_MS - 7 * DAY_MS)])

    assert shop.look().interactions == 200


def test_many_rows_are_sampled_by_user(shop, monkeypatch):
    rows = shopping(users=300)
    shop.champion(rows)
    shop.happened(rows)
    monkeypatch.setattr(lake_reader, "MAX_ROWS", 700)

    report = shop.look()

    assert report.sampled == 2
    assert report.interactions == 4 * report.users <= 700
    assert 100 < report.users < 175


def test_checks_report_the_share_of_invalid_rows(checks):
    rows = [
        *(event(f"p{n}", f"user-{n}", "item-00", NOW_MS - n, event_value=None if n < 3 else 2.0) for n in range(10)),
        event("dear", "user-1", "item-00", NOW_MS - 1, event_value=2e9),
        event("itemless", "user-1", None, NOW_MS - 1, event_type="view"),
        event("search", "user-1", None, NOW_MS - 1, event_type="search", event_value=None),
        event("odd", "user-1", "item-00", NOW_MS - 1, event_type="juggle", event_value=None),
        event("late", "user-1", "item-00", NOW_MS + HOUR_MS),
        event("soon", "user-1", "item-00", NOW_MS + 200_000),  # The time is within the tolerated clock skew.
    ]

    found = checks(*rows)

    assert {name: (check.share, check.rows) for name, check in found.items()} == {
        "item_missing": (1 / 14, 14),
        "event_type_unknown": (1 / 16, 16),
        "value_missing": (3 / 13, 13),
        "value_out_of_range": (1 / 11, 11),
        "time_in_future": (1 / 16, 16),
        "item_unknown": (None, 12),
    }
    assert [name for name, check in found.items() if check.failed] == list(found)[:-1]


def test_shop_without_event_values_passes_the_value_check(checks):
    check = checks(event("p", "user-1", "item-00", NOW_MS - 1, event_value=None))["value_missing"]

    assert (check.share, check.failed) == (None, False)


def test_missing_values_are_counted_from_the_first_purchase_with_a_value(checks):
    imported = [event(f"old{n}", "user-1", "item-00", NOW_MS - 100 - n, event_value=None) for n in range(90)]
    live = [event(f"new{n}", "user-1", "item-00", NOW_MS - n) for n in range(19)]
    view = event("view", "user-1", "item-00", NOW_MS - 3, event_type="view", event_value=None)
    lost = event("lost", "user-1", "item-00", NOW_MS, event_value=None)

    check = checks(*imported, view, *live, lost)["value_missing"]

    assert (check.share, check.rows) == (1 / 20, 20)


def test_report_is_stored_by_date_and_as_latest(shop):
    shop.champion(shopping())
    shop.happened(shopping())

    report = shop.look()

    for key in (MONITORING_LATEST_KEY, report_key(NOW_MS)):
        body = shop.places.s3.get_object(Bucket=shop.places.artefact_bucket, Key=key)["Body"].read()
        assert DriftReport.from_json(body) == report
    assert report_key(NOW_MS) == "monitoring/2026-09-21.json"


def test_unreadable_state_error_names_the_file_and_the_fix(shop):
    shop.put("monitoring/state.json", b'{"champion": "v1"}')

    message = r"state\.json is unreadable: 'last_start'; delete it to restart all figures"
    with pytest.raises(InvalidInput, match=message):
        shop.look()


MANY = b"{'descr': '<i4', 'fortran_order': False, 'shape': (1000000000000,), }".ljust(117) + b"\n"


ONE = io.BytesIO()
np.save(ONE, np.array([1], np.int32))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"models/v1/ids\.idx\.npy is unreadable"),
        (b"PK\x03\x04 an archive", r"models/v1/ids\.idx\.npy is unreadable"),
        (
            b"\x93NUMPY\x01\x00" + len(MANY).to_bytes(2, "little") + MANY + bytes(8),
            r"models/v1/ids\.idx\.npy is unreadable",
        ),
        (np.lib.format.magic(1, 0) + b"\x00\x00", r"models/v1/ids\.idx\.npy is unreadable"),
        (ONE.getvalue(), "hashes of ids and 1 positions"),
    ],
)
def test_damaged_champion_array_error_names_the_array(shop, content, message):
    shop.champion(shopping())
    shop.put("models/v1/ids.idx.npy", content)

    with pytest.raises(InvalidBundle, match=message):
        shop.look()


def test_reference_splits_interactions_into_deciles_by_rank():
    items = ranked([ItemCount(f"i{n:02}", 100 - n, 10) for n in range(20)])

    made = reference_for(items, activity={3: 2}, lengths={3: 2})

    assert made.item_popularity == Histogram(tuple(range(2, 20, 2)), (20,) * 10)
    assert made.user_activity.counts == (0, 0, 2, 0, 0, 0, 0, 0, 0, 0)
    assert made.category_popularity is None


def test_item_with_half_of_all_interactions_is_one_bin():
    items = ranked([ItemCount("all", 50, 50), *(ItemCount(f"i{n}", 10, 10) for n in range(5))])

    made = reference_for(items)

    assert made.item_popularity == Histogram((1, 2, 3, 4, 5), (50, 10, 10, 10, 10, 10))


def test_rare_categories_are_counted_together():
    items = [ItemCount(f"i{n}", 9, n + 1) for n in range(25)]
    values = {f"i{n}": f"c{n}|more" for n in range(24)}

    made = reference_for(items, column="kind", values=values)

    assert made.category_popularity.names[0] == "c23"
    assert made.category_popularity.counts == (*range(24, 4, -1), 4 + 3 + 2 + 1, 25)
    assert Categories("kind", ("a",), (1, 2, 3)).count({"a": 5, "z": 6, None: 7}) == (5, 6, 7)
