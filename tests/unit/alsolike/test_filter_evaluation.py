import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alsolike import filters
from alsolike.catalogue_change import Change
from alsolike.configuration import DEFAULT, ColumnType
from alsolike.errors import InvalidInput
from alsolike.filter_evaluation import Asked, FilterEvaluator, Recent
from alsolike.filter_values import parse_values
from alsolike.snapshot import Snapshot
from alsolike.snapshot_segment import Segment

COLUMNS = {
    "genre": ColumnType.STRING,
    "tags": ColumnType.LIST,
    "price": ColumnType.NUMBER,
    "organic": ColumnType.BOOLEAN,
    "creationTimestamp": ColumnType.TIMESTAMP,
    "description": ColumnType.TEXT,
}
SHOP: dict[str, dict[str, Any]] = {
    "fig": {"genre": "fruit", "tags": ["sweet", "soft"], "price": 3, "organic": True, "creationTimestamp": 100},
    "leek": {"genre": "vegetable", "tags": ["green"], "price": 1.5, "organic": False},
    "soap": {"price": 2, "tags": []},
    "bare": {},
}
UNLISTED = "unlisted"  # the model knows it, the catalogue does not


@dataclasses.dataclass(frozen=True)
class Event:
    item_id: str
    event_type: str
    seconds: int


class Model:
    """Items by position, over a snapshot of one segment for each change."""

    def __init__(
        self, item_ids: Sequence[str], *segments: Mapping[str, Mapping[str, Any] | None], barred: Sequence[str] = ()
    ) -> None:
        self.item_ids = item_ids
        snapshot = Snapshot(
            [Segment.of([Change(i, n, p) for i, p in items.items()], COLUMNS) for n, items in enumerate(segments)],
            version="1",
        )
        rows = np.concatenate([[-1], snapshot.rows(list(item_ids))])
        self.evaluator = FilterEvaluator(
            snapshot,
            rows,
            positions=self.positions,
            canonical=DEFAULT.canonical_event_type,
            barred=self.positions(barred),
        )

    def positions(self, item_ids: Sequence[str]) -> np.ndarray[Any, np.dtype[np.int64]]:
        return np.array([self.item_ids.index(i) + 1 if i in self.item_ids else 0 for i in item_ids], np.int64)

    def passing(self, expression: str, *, events: Sequence[Event] = (), **asked: Any) -> list[str]:
        recent = Recent(
            self.positions([event.item_id for event in events]),
            [event.event_type for event in events],
            np.array([event.seconds * 1000 for event in events], np.int64),
        )
        bias = self.evaluator.bias(filters.parse(expression), Asked(recent=recent, **asked), name=expression)
        assert bias.dtype == np.float32
        assert set(np.unique(bias).tolist()) <= {0.0, -np.inf}
        return [item_id for item_id, value in zip(self.item_ids, bias[1:].tolist(), strict=True) if value == 0]


@pytest.fixture
def shop() -> Model:
    return Model([*SHOP, UNLISTED], SHOP)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ('Items.GENRE IN ("fruit", "meat")', ["fig"]),
        ('Items.GENRE NOT IN ("fruit")', ["leek", "soap", "bare", UNLISTED]),
        ('Items.GENRE = "vegetable"', ["leek"]),
        ('Items.GENRE != "vegetable"', ["fig"]),
        ('Items.GENRE IN ("Fruit")', []),
        ('Items.TAGS IN ("green", "sweet")', ["fig", "leek"]),
        ("Items.PRICE < 3", ["leek", "soap"]),
        ("Items.PRICE <= 3", ["fig", "leek", "soap"]),
        ("Items.PRICE != 3", ["leek", "soap"]),
        ('Items.PRICE IN ("3", "1.50")', ["fig", "leek"]),
        ("Items.ORGANIC = true", ["fig"]),
        ("Items.ORGANIC != true", ["leek"]),
        ('Items.ORGANIC IN ("False")', ["leek"]),
        ("Items.CREATION_TIMESTAMP >= 100", ["fig"]),
        ('Items.ITEM_ID IN ("fig", "unlisted", "none")', ["fig", UNLISTED]),
        ('Items.ITEM_ID != "fig" AND Items.PRICE > 0', ["leek", "soap"]),
        ("Items.MISSPELT = 3", []),
        ("NOT (Items.PRICE < 3 OR Items.ORGANIC = true)", ["bare", UNLISTED]),
    ],
)
def test_condition_on_items(shop: Model, condition: str, expected: list[str]) -> None:
    assert shop.passing(f"INCLUDE ItemID WHERE {condition}") == expected


EVENTS = (Event("fig", "view", 10), Event("fig", "purchase", 20), Event("leek", "cart", 30), Event("none", "view", 40))


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ('Interactions.EVENT_TYPE IN ("Purchase")', ["fig"]),
        ('Interactions.EVENT_TYPE IN ("AddToCart")', ["leek"]),
        ('Interactions.EVENT_TYPE IN ("*")', ["fig", "leek"]),
        ('Interactions.EVENT_TYPE IN ("stream")', []),
        ('Interactions.EVENT_TYPE NOT IN ("*")', ["soap", "bare", UNLISTED]),
        ('Interactions.EVENT_TYPE != "view"', ["fig", "leek"]),
        ('Interactions.EVENT_TYPE IN ("view") AND Interactions.TIMESTAMP > 15', []),  # the same interaction
        ('Interactions.EVENT_TYPE IN ("purchase") AND Interactions.TIMESTAMP > 15', ["fig"]),
        ('Interactions.EVENT_TYPE IN ("view") AND Interactions.EVENT_TYPE NOT IN ("cart")', ["fig"]),
        ('Interactions.EVENT_TYPE IN ("*") AND Items.PRICE < 2', ["leek"]),
        ('NOT (Interactions.EVENT_TYPE IN ("purchase") AND Interactions.TIMESTAMP > 25) AND Items.PRICE > 2', ["fig"]),
        ('Interactions.EVENT_TYPE IN ("cart") OR Items.PRICE = 2', ["leek", "soap"]),
    ],
)
def test_condition_on_interactions(shop: Model, condition: str, expected: list[str]) -> None:
    assert shop.passing(f"INCLUDE ItemID WHERE {condition}", events=EVENTS) == expected


def test_result_is_the_union_of_includes_less_the_union_of_excludes(shop: Model) -> None:
    expression = (
        'EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("purchase") | INCLUDE ItemID WHERE Items.PRICE = 2 '
        '| INCLUDE ItemID WHERE Items.ORGANIC IN ("true", "false") | EXCLUDE ItemID WHERE Items.ITEM_ID IN ("none")'
    )

    assert shop.passing(expression) == ["fig", "leek", "soap"]
    assert shop.passing(expression, events=EVENTS) == ["leek", "soap"]


def test_exclude_alone_leaves_everything_else(shop: Model) -> None:
    assert shop.passing("EXCLUDE ItemID WHERE Items.PRICE >= 2") == ["leek", "bare", UNLISTED]


def test_barred_position_passes_no_filter() -> None:
    model = Model([*SHOP, UNLISTED], SHOP, barred=("leek",))

    for _ in range(2):
        assert model.passing("INCLUDE ItemID WHERE Items.PRICE < 3") == ["soap"]
        assert model.passing("EXCLUDE ItemID WHERE Items.PRICE < 2") == ["fig", "soap", "bare", UNLISTED]


def test_comparison_with_the_current_item(shop: Model) -> None:
    cheaper = "INCLUDE ItemID WHERE Items.PRICE < CurrentItem.PRICE"
    alike = "INCLUDE ItemID WHERE Items.TAGS IN CurrentItem.TAGS OR Items.GENRE = CurrentItem.GENRE"

    assert shop.passing(cheaper, item=SHOP["soap"]) == ["leek"]
    assert shop.passing(cheaper, item={}) == []
    assert shop.passing(alike, item={"tags": ["soft"], "genre": "vegetable"}) == ["fig", "leek"]


@pytest.mark.parametrize(
    ("test", "user", "applies"),
    [
        ("CurrentUser.AGE >= 18", {"age": 18}, True),
        ("CurrentUser.AGE >= 18", {"age": 17}, False),
        ("CurrentUser.AGE >= 18", {}, False),
        ("CurrentUser.AGE >= 18", {"age": "18"}, False),
        ('CurrentUser.LEVEL = "Gold"', {"level": "Gold"}, True),
        ('CurrentUser.LEVEL = "Gold"', {"level": "gold"}, False),
        ('CurrentUser.LEVEL IN ("Gold") AND CurrentUser.AGE < 30', {"level": "Gold", "age": 31}, False),
        ('CurrentUser.LEVEL NOT IN ("Gold")', {}, True),
        ('CurrentUser.TAGS IN ("x")', {"tags": ["y", "x"]}, True),
        ("CurrentUser.MEMBER != true", {"member": False}, True),
        ("CurrentUser.LEVEL = $LEVEL", {"level": "Silver"}, True),
    ],
)
def test_expression_applies_if_every_test_of_the_user_holds(
    shop: Model, test: str, user: dict[str, Any], applies: bool
) -> None:
    values = {"LEVEL": ("Silver",)} if "$LEVEL" in test else {}

    passing = shop.passing(f"INCLUDE ItemID WHERE Items.PRICE = 2 IF {test}", user=user, values=values)

    assert passing == (["soap"] if applies else [*SHOP, UNLISTED])


def test_parameters_take_their_values_from_the_request(shop: Model) -> None:
    expression = "INCLUDE ItemID WHERE Items.GENRE IN ($GENRE) OR Items.PRICE > $PRICE"

    for genre, price, expected in [
        ('"vegetable","fruit"', "9", ["fig", "leek"]),
        ('"none"', '"1.9"', ["fig", "soap"]),
        ('"none"', "2", ["fig"]),
    ]:
        values = {"GENRE": parse_values("GENRE", genre), "PRICE": parse_values("PRICE", price)}
        assert shop.passing(expression, values=values) == expected


def test_exclude_with_a_parameter_left_out_does_not_apply(shop: Model) -> None:
    expression = "EXCLUDE ItemID WHERE Items.GENRE IN ($A) | EXCLUDE ItemID WHERE Items.GENRE IN ($B)"

    assert shop.passing(expression, values={"A": ("fruit",)}) == ["leek", "soap", "bare", UNLISTED]


@pytest.mark.parametrize(
    ("expression", "values", "message"),
    [
        ("INCLUDE ItemID WHERE Items.GENRE IN ($A)", {}, "filterValues.A is missing, expected a value: filter "),
        (
            "EXCLUDE ItemID WHERE Items.GENRE IN ($A)",
            {"B": ("x",)},
            "filterValues.B is not a parameter of filter ",
        ),
        (
            "EXCLUDE ItemID WHERE Items.PRICE < $A",
            {"A": ("x",)},
            'filterValues.A is "x", expected a number, as Items',
        ),
        ("EXCLUDE ItemID WHERE Items.PRICE < $A", {"A": ("nan",)}, 'filterValues.A is "nan", expected a number'),
        ("EXCLUDE ItemID WHERE Items.PRICE < $A", {"A": ("1_0",)}, 'filterValues.A is "1_0", expected a number'),
        ("EXCLUDE ItemID WHERE Items.PRICE < $A", {"A": ("٣",)}, 'filterValues.A is "٣", expected a number'),
        ("EXCLUDE ItemID WHERE Items.PRICE < $A", {"A": ("1", "2")}, "filterValues.A has 2 values, expected one"),
        ("EXCLUDE ItemID WHERE Items.ORGANIC = $A", {"A": ("x",)}, 'filterValues.A is "x", expected true or false'),
        ('EXCLUDE ItemID WHERE Items.PRICE IN ("x")', {}, 'compares Items.PRICE with "x", expected a number'),
        ("EXCLUDE ItemID WHERE Items.GENRE < 3", {}, "compares Items.GENRE with <, expected IN, = or !=: it has texts"),
        ("EXCLUDE ItemID WHERE Items.GENRE = 3", {}, "compares Items.GENRE with 3.0, expected a text"),
        ('EXCLUDE ItemID WHERE Items.TAGS = "x"', {}, "compares Items.TAGS with =, expected IN: it has lists"),
        ('EXCLUDE ItemID WHERE Items.DESCRIPTION = "x"', {}, "Items.DESCRIPTION, a column of texts: declare it as str"),
    ],
)
def test_value_that_does_not_fit_is_named(
    shop: Model, expression: str, values: dict[str, tuple[str, ...]], message: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        shop.passing(expression, values=values)

    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [('"a","b"', ("a", "b")), (' "a, b" , "c\\"" ', ("a, b", 'c"')), ("a, b", ("a", "b")), ('""', ("",))],
)
def test_values_are_quoted_or_plain(text: str, expected: tuple[str, ...]) -> None:
    assert parse_values("P", text) == expected


@pytest.mark.parametrize("text", ['"a', '"a" "b"', '"a",', '"a",b'])
def test_badly_quoted_values_are_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match=r"filterValues\.P is .*, expected quoted values with commas between"):
        parse_values("P", text)


def test_static_filter_is_evaluated_once_for_the_same_values(shop: Model) -> None:
    asked = Asked(values={"P": ("2",)})
    parsed = filters.parse("EXCLUDE ItemID WHERE Items.PRICE > $P")

    assert shop.evaluator.bias(parsed, asked, name="t") is shop.evaluator.bias(parsed, asked, name="t")
    other = shop.evaluator.bias(parsed, Asked(values={"P": ("1",)}), name="t")
    assert not np.array_equal(other, shop.evaluator.bias(parsed, asked, name="t"))


# A naive evaluator, and expressions that carry one: each is a text, and what it says of one item.

Item = tuple[str, Mapping[str, Any]]


@dataclasses.dataclass(frozen=True)
class Clause:
    text: str
    holds: Callable[[Item, Sequence[Event]], bool]
    of_event: Callable[[Event], bool] | None = None  # where it can be asked of one interaction


def on_items(text: str, holds: Callable[[str, Mapping[str, Any]], bool]) -> Clause:
    return Clause(text, lambda item, _: holds(*item))


def on_events(text: str, of_event: Callable[[Event], bool]) -> Clause:
    return Clause(text, lambda item, events: any(e.item_id == item[0] and of_event(e) for e in events), of_event)


COMPARE: dict[str, Callable[[float, float], bool]] = {
    "=": lambda a, b: a == b, "!=": lambda a, b: a != b, "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b, ">": lambda a, b: a > b, ">=": lambda a, b: a >= b,
}  # fmt: skip
WORDS = ("a", "b", "c")
TYPES = ("view", "cart", "purchase")


def quoted(texts: Sequence[str]) -> str:
    return ", ".join(f'"{text}"' for text in texts)


def number_clause(column: str, key: str, operator: str, operand: int) -> Clause:
    return on_items(
        f"Items.{column} {operator} {operand}", lambda _, p: key in p and COMPARE[operator](p[key], operand)
    )


words = st.lists(st.sampled_from(WORDS), min_size=1, max_size=2)
leaf_clauses = st.one_of(
    st.builds(number_clause, st.just("PRICE"), st.just("price"), st.sampled_from(list(COMPARE)), st.integers(0, 3)),
    st.builds(
        number_clause, st.just("creationTimestamp"), st.just("creationTimestamp"), st.just(">"), st.integers(0, 3)
    ),
    words.map(lambda ws: on_items(f"Items.GENRE IN ({quoted(ws)})", lambda _, p: p.get("genre") in ws)),
    words.map(lambda ws: on_items(f"Items.GENRE NOT IN ({quoted(ws)})", lambda _, p: p.get("genre") not in ws)),
    st.sampled_from(WORDS).map(
        lambda w: on_items(f'Items.GENRE != "{w}"', lambda _, p: "genre" in p and p["genre"] != w)
    ),
    words.map(
        lambda ws: on_items(f"Items.TAGS IN ({quoted(ws)})", lambda _, p: bool(set(p.get("tags", ())) & set(ws)))
    ),
    st.booleans().map(lambda b: on_items(f"Items.ORGANIC = {b}", lambda _, p: p.get("organic") is b)),
    st.sampled_from(["i0", "i3", "i9"]).map(
        lambda i: on_items(f'Items.ITEM_ID IN ("{i}")', lambda found, _: found == i)
    ),
    st.lists(st.sampled_from(TYPES), min_size=1, max_size=2).map(
        lambda ts: on_events(f"Interactions.EVENT_TYPE IN ({quoted(ts)})", lambda e: e.event_type in ts)
    ),
    st.builds(
        lambda op, at: on_events(f"Interactions.TIMESTAMP {op} {at}", lambda e: COMPARE[op](e.seconds, at)),
        st.sampled_from(list(COMPARE)),
        st.integers(0, 3),
    ),
)


def negated(clause: Clause) -> Clause:
    return Clause(f"NOT ({clause.text})", lambda item, events: not clause.holds(item, events))


def either(clauses: list[Clause]) -> Clause:
    of_event = (
        (lambda e: any(c.of_event(e) for c in clauses)) if all(c.of_event for c in clauses) else None  # type: ignore[misc]
    )
    text = " OR ".join(f"({c.text})" for c in clauses)
    return Clause(text, lambda item, events: any(c.holds(item, events) for c in clauses), of_event)


def every(clauses: list[Clause]) -> Clause:
    of_events = [c.of_event for c in clauses if c.of_event]
    others = [c for c in clauses if not c.of_event]

    def together(event: Event) -> bool:
        return all(of_event(event) for of_event in of_events)

    def holds(item: Item, events: Sequence[Event]) -> bool:
        if of_events and not any(e.item_id == item[0] and together(e) for e in events):
            return False
        return all(c.holds(item, events) for c in others)

    return Clause(" AND ".join(f"({c.text})" for c in clauses), holds, None if others else together)


clauses = st.recursive(
    leaf_clauses,
    lambda children: st.one_of(
        children.map(negated),
        st.lists(children, min_size=2, max_size=3).map(either),
        st.lists(children, min_size=2, max_size=3).map(every),
    ),
    max_leaves=6,
)
ITEM_IDS = [f"i{n}" for n in range(8)]
properties = st.fixed_dictionaries(
    {},
    optional={
        "genre": st.sampled_from(WORDS),
        "tags": st.lists(st.sampled_from(WORDS), max_size=3),
        "price": st.integers(0, 3),
        "organic": st.booleans(),
        "creationTimestamp": st.integers(0, 3),
    },
)
catalogues = st.lists(
    st.dictionaries(st.sampled_from(ITEM_IDS[:6]), st.none() | properties, min_size=1, max_size=6),
    min_size=1,
    max_size=3,
)
events = st.lists(
    st.builds(Event, st.sampled_from([*ITEM_IDS, "i9"]), st.sampled_from(TYPES), st.integers(0, 3)), max_size=6
)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(["INCLUDE", "EXCLUDE"]), clauses), min_size=1, max_size=3),
    catalogues,
    events,
    st.permutations(ITEM_IDS),
)
def test_result_equals_a_naive_evaluation_row_by_row(
    expressions: list[tuple[str, Clause]],
    catalogue: list[dict[str, dict[str, Any] | None]],
    events: list[Event],
    item_ids: list[str],
) -> None:
    known: dict[str, Any] = {}
    for segment in catalogue:
        known.update(segment)

    def passes(item_id: str) -> bool:
        item = (item_id, known.get(item_id) or {})
        included = [clause.holds(item, events) for verb, clause in expressions if verb == "INCLUDE"]
        excluded = [clause.holds(item, events) for verb, clause in expressions if verb == "EXCLUDE"]
        return (any(included) or not included) and not any(excluded)

    text = " | ".join(f"{verb} ItemID WHERE {clause.text}" for verb, clause in expressions)

    assert Model(item_ids, *catalogue).passing(text, events=events) == [i for i in item_ids if passes(i)], text
