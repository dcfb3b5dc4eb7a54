import math

import pytest

from alsolike.configuration.configuration import Fatigue
from alsolike.profiles.impressions import MAX_LISTS, Impressions, ImpressionStore, sightings
from alsolike.profiles.profile_table import ProfileStore
from alsolike.runtime.errors import Unavailable
from tests.fakes.places import create_profiles_table

HOUR_MS = 3_600_000
NOW_MS = 1_790_000_000_000
FATIGUE = Fatigue(strength=0.5, half_life_hours=24)


def reported(*item_ids, hours=0, list_id="r1", shopper="h1"):
    time_ms = NOW_MS - round(hours * HOUR_MS)
    return Impressions(shopper, list_id, f"{list_id}-{hours}", time_ms, list(item_ids), is_reported=True)


def served(*item_ids, hours=0, list_id="r1"):
    return Impressions("h1", list_id, list_id, NOW_MS - round(hours * HOUR_MS), list(item_ids), is_reported=False)


def counted(*lists, **reactions):
    return sightings(lists, FATIGUE, reactions=reactions, now_ms=NOW_MS)


def test_sightings_of_lists_add_up_and_halve_with_the_half_life():
    lists = reported("fig", "pear"), reported("fig", hours=24, list_id="r2"), reported("fig", hours=48, list_id="r3")

    assert counted(*lists) == {"fig": 1 + 1 / 2 + 1 / 4, "pear": 1.0}


def test_item_counts_once_per_list():
    assert counted(reported("fig"), reported("fig", "pear", hours=0)) == {"fig": 1.0, "pear": 1.0}


def test_later_places_of_a_list_of_the_log_count_less():
    assert counted(served("fig", "pear", "kiwi")) == {"fig": 1.0, "pear": 1 / math.log2(3), "kiwi": 1 / 2}


def test_reported_impressions_replace_the_list_of_the_log():
    other = served("kiwi", list_id="r2")

    assert counted(served("fig", "pear"), reported("pear"), other) == {"pear": 1.0, "kiwi": 1.0}


def test_sightings_up_to_the_last_reaction_do_not_count():
    lists = reported("fig", "pear", hours=2), reported("fig", "pear", hours=1, list_id="r2")

    found = counted(*lists, fig=NOW_MS - HOUR_MS, pear=NOW_MS - 2 * HOUR_MS)

    assert set(found) == {"pear"}
    assert found["pear"] == pytest.approx(0.5 ** (1 / 24))


@pytest.mark.parametrize(("seen", "factor"), [(0, 1.0), (0.5, 1.0), (1, 1.0), (4, 0.5), (100, 0.1)])
def test_factor_falls_with_sightings_after_the_first(seen, factor):
    assert FATIGUE.factor(seen) == pytest.approx(factor)


@pytest.fixture
def profiles_table(aws):
    return create_profiles_table(aws("dynamodb"), "profiles")


def test_stored_lists_are_read_latest_first_without_repetitions(aws, profiles_table):
    store = ImpressionStore(aws("dynamodb"), profiles_table)
    lists = [reported("fig", hours=3), served("pear", hours=2, list_id="x" * 256), reported("kiwi", hours=1)]

    store.add([*lists, reported("plum", shopper="h2")], FATIGUE)
    store.add(lists, FATIGUE)

    found = store.read("h1", since_ms=NOW_MS - round(2.5 * HOUR_MS))
    assert [(each.item_ids, each.time_ms, each.list_id, each.is_reported) for each in found] == [
        (["kiwi"], NOW_MS - HOUR_MS, "r1", True),
        (["pear"], NOW_MS - 2 * HOUR_MS, "x" * 256, False),
    ]
    items = aws("dynamodb").scan(TableName=profiles_table)["Items"]
    assert len(items) == 4
    assert {int(item["expires_at"]["N"]) * 1000 for item in items} == {
        NOW_MS + (5 * 24 - hours) * HOUR_MS for hours in (0, 1, 2, 3)
    }


def test_read_is_bounded_by_the_number_of_lists(aws, profiles_table):
    store = ImpressionStore(aws("dynamodb"), profiles_table)
    store.add([reported("fig", hours=hours, list_id=str(hours)) for hours in range(MAX_LISTS + 5)], FATIGUE)

    assert len(store.read("h1", since_ms=0)) == MAX_LISTS


def test_scan_of_profiles_skips_impressions(aws, profiles_table):
    ImpressionStore(aws("dynamodb"), profiles_table).add([reported("fig")], FATIGUE)

    assert list(ProfileStore(aws("dynamodb"), profiles_table).scan()) == []


def test_unavailable_table_is_reported(aws):
    store = ImpressionStore(aws("dynamodb"), "missing")

    with pytest.raises(Unavailable):
        store.read("h1", since_ms=0)
    with pytest.raises(Unavailable):
        store.add([reported("fig")], FATIGUE)
