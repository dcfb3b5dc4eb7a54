import numpy as np
import pytest

from alsolike.catalogue.changes import Change
from alsolike.configuration.configuration import DEFAULT
from alsolike.declarations.times import DAY_MS
from alsolike.filters import parser
from alsolike.filters.evaluation import FilterEvaluator, FilterInputs
from alsolike.filters.interactions import Recent
from alsolike.snapshot.segment import Segment
from alsolike.snapshot.snapshot import Snapshot
from tests.unit.alsolike.filtered_items import COLUMNS, SHOP, UNLISTED, Event, Model


@pytest.fixture
def shop():
    return Model([*SHOP, UNLISTED], SHOP)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ('Items.GENRE IN ("Fruit")', []),
        ('Items.PRICE IN ("3", "1.50")', ["fig", "leek"]),
        ('Items.ORGANIC IN ("False")', ["leek"]),
        ('Items.ITEM_ID IN ("fig", "unlisted", "none")', ["fig", UNLISTED]),
    ],
)
def test_item_condition_is_evaluated(shop, condition, expected):
    assert shop.passing(f"INCLUDE ItemID WHERE {condition}") == expected


@pytest.mark.parametrize("kind", ["genre", "tags"])
def test_item_without_a_value_fails_a_membership_of_many_values(kind):
    names = [f"g{number}" for number in range(6)]
    listed = {name: {kind: [name] if kind == "tags" else name} for name in names}
    model = Model([*names, UNLISTED, "bare"], {**listed, "bare": {}})
    wanted = ", ".join(f'"{name}"' for name in names)

    assert model.passing(f"INCLUDE ItemID WHERE Items.{kind.upper()} IN ({wanted})") == names


EVENTS = (Event("fig", "view", 10), Event("fig", "purchase", 20), Event("leek", "cart", 30), Event("none", "view", 40))


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ('Interactions.EVENT_TYPE IN ("AddToCart")', ["leek"]),
        ('Interactions.EVENT_TYPE NOT IN ("*")', ["soap", "bare", UNLISTED]),
        # Both conditions apply to the same interaction.
        ('Interactions.EVENT_TYPE IN ("view") AND Interactions.TIMESTAMP > 15', []),
        ('Interactions.EVENT_TYPE IN ("view") AND Interactions.EVENT_TYPE NOT IN ("cart")', ["fig"]),
    ],
)
def test_interaction_condition_is_evaluated(shop, condition, expected):
    assert shop.passing(f"INCLUDE ItemID WHERE {condition}", events=EVENTS) == expected


def test_result_is_the_union_of_includes_minus_the_union_of_excludes(shop):
    expression = (
        'EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("purchase") | INCLUDE ItemID WHERE Items.PRICE = 2 '
        '| INCLUDE ItemID WHERE Items.ORGANIC IN ("true", "false") | EXCLUDE ItemID WHERE Items.ITEM_ID IN ("none")'
    )

    assert shop.passing(expression) == ["fig", "leek", "soap"]
    assert shop.passing(expression, events=EVENTS) == ["leek", "soap"]


def test_exclude_passes_all_other_items(shop):
    assert shop.passing("EXCLUDE ItemID WHERE Items.PRICE >= 2") == ["leek", "bare", UNLISTED]


def test_excluded_position_passes_no_filter():
    model = Model([*SHOP, UNLISTED], SHOP, barred=("leek",))

    for _ in range(2):
        assert model.passing("INCLUDE ItemID WHERE Items.PRICE < 3") == ["soap"]
        assert model.passing("EXCLUDE ItemID WHERE Items.PRICE < 2") == ["fig", "soap", "bare", UNLISTED]


def test_comparison_with_the_current_item_is_evaluated(shop):
    cheaper = "INCLUDE ItemID WHERE Items.PRICE < CurrentItem.PRICE"
    alike = "INCLUDE ItemID WHERE Items.TAGS IN CurrentItem.TAGS OR Items.GENRE = CurrentItem.GENRE"

    assert shop.passing(cheaper, item=SHOP["soap"]) == ["leek"]
    assert shop.passing(cheaper, item={}) == []
    assert shop.passing(alike, item={"tags": ["soft"], "genre": "vegetable"}) == ["fig", "leek"]


@pytest.mark.parametrize(
    ("test", "user", "applies"),
    [
        ("CurrentUser.AGE >= 18", {"age": 18}, True),
        ("CurrentUser.AGE >= 18", {"age": "18"}, False),
        ('CurrentUser.LEVEL = "Gold"', {"level": "gold"}, False),
        ('CurrentUser.LEVEL IN ("Gold") AND CurrentUser.AGE < 30', {"level": "Gold", "age": 31}, False),
        ('CurrentUser.MEMBER IN ("true")', {"member": True}, True),
        ('CurrentUser.MEMBER IN ("true")', {"member": False}, False),
    ],
)
def test_expression_applies_only_if_all_user_conditions_hold(shop, test, user, applies):
    passing = shop.passing(f"INCLUDE ItemID WHERE Items.PRICE = 2 IF {test}", user=user)

    assert passing == (["soap"] if applies else [*SHOP, UNLISTED])


class CountingSnapshot(Snapshot):
    looks = 0

    def column(self, name):
        self.looks += 1
        return super().column(name)


def nowhere(item_ids):
    return np.zeros(len(item_ids), np.int64)


def counting(**options):
    snapshot = CountingSnapshot([Segment.of([Change(i, 0, p) for i, p in SHOP.items()], COLUMNS)], version="1")
    rows = np.concatenate([[-1], snapshot.rows(list(SHOP))])
    canonical = DEFAULT.canonical_event_type
    return FilterEvaluator(snapshot, rows, positions=nowhere, canonical=canonical, **options), snapshot


@pytest.mark.parametrize(
    "condition",
    [
        "Items.PRICE > $P",
        'NOT (Items.PRICE > $P OR Items.GENRE IN ("fruit")) AND Items.TAGS IN ("soft")',
        'Items.PRICE > $P AND Interactions.EVENT_TYPE IN ("*") AND Items.ORGANIC = true',
        "Items.PRICE > $P OR CurrentUser.AGE > 17 OR Items.ORGANIC = true",
    ],
)
def test_catalogue_condition_is_cached_per_parameter_values(condition):
    evaluator, snapshot = counting()
    parsed = parser.parse(f"EXCLUDE ItemID WHERE {condition}")

    def bias(price):
        requested = FilterInputs(now_ms=0, values={"P": (price,)})
        return evaluator.bias(parsed, requested, name="t").tolist()

    first = bias("2")
    looks = snapshot.looks
    assert bias("2") == first
    assert snapshot.looks == looks > 0
    bias("1")
    assert snapshot.looks > looks


@pytest.mark.parametrize(("cache_bytes", "evicts"), [(7_000, True), (70_000, False)])
def test_cached_results_are_limited_by_size(cache_bytes, evicts):
    evaluator, snapshot = counting(cache_bytes=cache_bytes)
    parsed = parser.parse("EXCLUDE ItemID WHERE Items.PRICE > $P")
    for price in ("1", "2", "3", "4", "5"):
        evaluator.bias(parsed, FilterInputs(now_ms=0, values={"P": (price,)}), name="t")
    looks = snapshot.looks

    evaluator.bias(parsed, FilterInputs(now_ms=0, values={"P": ("1",)}), name="t")

    assert (snapshot.looks > looks) == evicts


def test_cached_mask_is_not_modified(shop):
    """Each of the first two requests excludes another item from the same cached mask."""
    fruit = 'INCLUDE ItemID WHERE Items.PRICE > 1 AND NOT Interactions.EVENT_TYPE IN ("*")'

    assert shop.passing(fruit, events=[Event("fig", "view", 1)]) == ["leek", "soap"]
    assert shop.passing(fruit, events=[Event("leek", "view", 1)]) == ["fig", "soap"]
    assert shop.passing(fruit) == ["fig", "leek", "soap"]


NOW_MS = 100 * DAY_MS + 123


@pytest.mark.parametrize(
    ("condition", "age_ms", "holds"),
    [
        ("> NOW - 30 DAYS", 30 * DAY_MS - 1, True),
        ("> NOW - 30 DAYS", 30 * DAY_MS, False),
        (">= NOW - 30 DAYS", 30 * DAY_MS, True),
        ("= NOW - 30 DAYS", 30 * DAY_MS, True),
        ("< NOW - 30 DAYS", 30 * DAY_MS + 1, True),
        ("> NOW - 2 WEEKS", 14 * DAY_MS, False),
        ("> NOW - 36 HOURS", 36 * 3_600_000 - 1, True),
        ("> NOW - 36 HOURS", 36 * 3_600_000, False),
        ("<= NOW - 5 MINUTES", 300_000, True),
        ("<= NOW - 5 MINUTES", 299_999, False),
        ("> NOW - 0.5 HOURS", 1_799_999, True),
        ("<= NOW", 0, True),
        ("> NOW", -1, True),
        ("= NOW + 1 DAY", -DAY_MS, True),
        ("> NOW - $N DAYS", 3 * DAY_MS - 1, True),
        ("> NOW - $N DAYS", 3 * DAY_MS, False),
    ],
)
def test_time_window_ends_at_the_exact_millisecond(shop, condition, age_ms, holds):
    recent = Recent(shop.positions(["fig"]), ["view"], np.array([NOW_MS - age_ms], np.int64))
    values = {"N": ("3",)} if "$" in condition else {}
    parsed = parser.parse(f"INCLUDE ItemID WHERE Interactions.TIMESTAMP {condition}")

    bias = shop.evaluator.bias(parsed, FilterInputs(now_ms=NOW_MS, recent=recent, values=values), name="t")

    assert (bias[1] == 0) == holds
    assert np.isneginf(bias[2:]).all()


@pytest.mark.parametrize(
    ("condition", "now_s", "expected"),
    [
        ("Items.CREATION_TIMESTAMP > NOW - 7 DAYS", 100 + 604_799, ["fig"]),
        ("Items.CREATION_TIMESTAMP > NOW - 7 DAYS", 100 + 604_800, []),
        ("Items.CREATION_TIMESTAMP > NOW", 99, ["fig"]),
        ("Items.CREATION_TIMESTAMP > NOW", 100, []),
        ("NOT Items.CREATION_TIMESTAMP > NOW", 99, ["leek", "soap", "bare", UNLISTED]),
        ("Items.CREATION_TIMESTAMP != NOW", 7, ["fig"]),
        ("Items.CREATION_TIMESTAMP < NOW + 1 HOUR AND Items.PRICE > 1", 0, ["fig"]),
    ],
)
def test_item_time_is_compared_with_the_time_of_each_request(shop, condition, now_s, expected):
    for _ in range(2):
        assert shop.passing(f"INCLUDE ItemID WHERE {condition}", now_ms=now_s * 1000) == expected
        # The result of another time must not replace the cached result.
        shop.passing(f"INCLUDE ItemID WHERE {condition}", now_ms=0)


@pytest.mark.parametrize(
    ("condition", "user", "expected"),
    [
        ("Items.GENRE = CurrentUser.LIKES", {"likes": 7}, []),
        ("Items.TAGS IN CurrentUser.LIKES", {"likes": ["a", "b", "c", "soft", "d", "e"]}, ["fig"]),
        ("Items.PRICE <= CurrentUser.BUDGET", {"budget": "2"}, []),
        ("Items.PRICE <= CurrentUser.BUDGET", {"budget": True}, []),
        ("Items.ITEM_ID = CurrentUser.PINNED", {"pinned": UNLISTED}, [UNLISTED]),
        ('CurrentUser.AGE IN ("young")', {"age": 18}, []),
        ("CurrentUser.AGE >= 18", {"age": {"years": 18}}, []),
        ("CurrentUser.AGE != 18", {"age": {"years": 18}}, []),
        ("CurrentUser.AGE < NOW", {"age": {"years": 18}}, []),
        ("Items.MISSPELT IN CurrentUser.LIKES", {"likes": ["fruit"]}, []),
    ],
)
def test_user_condition_is_evaluated(shop, condition, user, expected):
    for _ in range(2):
        passing = shop.passing(f"INCLUDE ItemID WHERE {condition}", user=user, now_ms=200 * DAY_MS)
        assert passing == expected
