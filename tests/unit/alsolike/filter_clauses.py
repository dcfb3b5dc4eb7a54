"""Random conditions of filters, and a naive evaluation of each."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hypothesis import strategies as st

from tests.unit.alsolike.filtered_items import Event

Properties = Mapping[str, Any]
Test = Callable[[Any], bool]


@dataclasses.dataclass(frozen=True)
class Requester:
    events: Sequence[Event] = ()
    user: Properties = dataclasses.field(default_factory=dict)
    item: Properties = dataclasses.field(default_factory=dict)
    now_s: int = 0


@dataclasses.dataclass(frozen=True)
class Clause:
    """Condition of a filter with its naive evaluation.

    `event_test` evaluates a single interaction. It is None for a NOT, and for a condition on more than interactions.
    `both` has the operands of an AND.
    """

    text: str
    holds: Callable[[str, Properties, Requester], bool]
    event_test: Callable[[Event, Requester], bool] | None = None
    both: Sequence[Clause] = ()
    values: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)


def on_events(text: str, event_test: Callable[[Event, Requester], bool], **values: tuple[str, ...]) -> Clause:
    def holds(item_id: str, _: Properties, requester: Requester) -> bool:
        return any(event.item_id == item_id and event_test(event, requester) for event in requester.events)

    return Clause(text, holds, event_test, values=values)


COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: a == b, "!=": lambda a, b: a != b, "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b, ">": lambda a, b: a > b, ">=": lambda a, b: a >= b,
}  # fmt: skip
SECONDS = {"MINUTE": 60, "HOURS": 3_600, "DAYS": 86_400, "week": 604_800}
WORDS = ("a", "b", "c")
TYPES = ("view", "cart", "purchase")
NUMBERS = {"PRICE": "price", "creationTimestamp": "creationTimestamp"}
operators = st.sampled_from(list(COMPARE))
equalities = st.sampled_from(["=", "!="])
small = st.integers(0, 3)
words = st.lists(st.sampled_from(WORDS), min_size=1, max_size=2)


def quoted(texts: Sequence[str]) -> str:
    return ", ".join(f'"{text}"' for text in texts)


def as_list(value: Any) -> list[Any]:
    return [] if value is None else value if isinstance(value, list) else [value]


def compared(found: Any, operator: str, other: Any) -> bool:
    return found is not None and other is not None and COMPARE[operator](found, other)


@st.composite
def item_clauses(draw: st.DrawFn) -> Clause:
    operator, equality, number, some = draw(operators), draw(equalities), draw(small), draw(words)
    column, key = draw(st.sampled_from(list(NUMBERS.items())))
    truth, word, item_id = draw(st.booleans()), some[0], draw(st.sampled_from(["i0", "i3", "i9"]))
    ways: list[tuple[str, Callable[[str, Properties], bool]]] = [
        (f"Items.{column} {operator} {number}", lambda _, p: compared(p.get(key), operator, number)),
        (f'Items.{column} {equality} "{number}"', lambda _, p: compared(p.get(key), equality, number)),
        (f'Items.{column} IN ("{number}", "2")', lambda _, p: p.get(key) in (number, 2)),
        (f'Items.GENRE {equality} "{word}"', lambda _, p: compared(p.get("genre"), equality, word)),
        (f"Items.GENRE IN ({quoted(some)})", lambda _, p: p.get("genre") in some),
        (f"Items.GENRE NOT IN ({quoted(some)})", lambda _, p: p.get("genre") not in some),
        (f"Items.TAGS IN ({quoted(some)})", lambda _, p: bool(set(p.get("tags", ())) & set(some))),
        (f'Items.TAGS NOT IN ({quoted(some)}, "x", "y", "z", "{word}")',
         lambda _, p: not set(p.get("tags", ())) & set(some)),
        (f"Items.ORGANIC {equality} {truth}", lambda _, p: compared(p.get("organic"), equality, truth)),
        (f'Items.ORGANIC IN ("{truth}")', lambda _, p: p.get("organic") is truth),
        (f'Items.ITEM_ID IN ("{item_id}", "i1")', lambda i, _: i in (item_id, "i1")),
        (f'Items.ITEM_ID {equality} "{item_id}"', lambda i, _: COMPARE[equality](i, item_id)),
        ("Items.MISSPELT > 0", lambda _, p: False),
    ]  # fmt: skip
    text, holds = draw(st.sampled_from(ways))
    return Clause(text, lambda item_id, properties, _: holds(item_id, properties))


@st.composite
def parameter_clauses(draw: st.DrawFn) -> Clause:
    """Draw a condition with parameters. A parameter's name contains its value."""
    operator, number, some = draw(operators), draw(small), draw(words)
    many = "_".join(["W", *some])
    name = draw(st.sampled_from([f"$N{number}", f"($N{number})"]))
    return draw(st.sampled_from([
        Clause(f"Items.PRICE {operator} {name}", lambda _, p, __: compared(p.get("price"), operator, number),
               values={f"N{number}": (str(number),)}),
        Clause(f'Items.TAGS IN (${many}, "c")', lambda _, p, __: bool(set(p.get("tags", ())) & {*some, "c"}),
               values={many: tuple(some)}),
        Clause(f"Items.GENRE NOT IN (${many})", lambda _, p, __: p.get("genre") not in some,
               values={many: tuple(some)}),
        Clause(f"CurrentUser.LEVEL IN (${many})", lambda _, __, a: a.user.get("level") in some,
               values={many: tuple(some)}),
        on_events(f"Interactions.TIMESTAMP {operator} {name}", lambda e, _: COMPARE[operator](e.seconds, number),
                  **{f"N{number}": (str(number),)}),
    ]))  # fmt: skip


@st.composite
def reference_clauses(draw: st.DrawFn) -> Clause:
    operator, equality = draw(operators), draw(equalities)
    whose = draw(st.sampled_from(["CurrentUser", "CurrentItem"]))

    def held(requester: Requester, key: str) -> Any:
        return (requester.user if whose == "CurrentUser" else requester.item).get(key)

    genre = draw(st.sampled_from(["genre", "tags"]))  # The column `genre` contains a string, `tags` a list.
    ways: list[tuple[str, Callable[[str, Properties, Requester], bool]]] = [
        (f"Items.PRICE {operator} {whose}.PRICE", lambda _, p, a: compared(p.get("price"), operator, held(a, "price"))),
        (f"Items.PRICE IN {whose}.PRICE", lambda _, p, a: p.get("price") in as_list(held(a, "price"))),
        (f"Items.creationTimestamp {operator} {whose}.price",
         lambda _, p, a: compared(p.get("creationTimestamp"), operator, held(a, "price"))),
        (f"Items.GENRE {equality} {whose}.genre", lambda _, p, a: compared(p.get("genre"), equality, held(a, "genre"))),
        (f"Items.GENRE IN {whose}.{genre}", lambda _, p, a: p.get("genre") in as_list(held(a, genre))),
        (f"Items.GENRE NOT IN {whose}.{genre}", lambda _, p, a: p.get("genre") not in as_list(held(a, genre))),
        (f"Items.TAGS IN {whose}.{genre}", lambda _, p, a: bool(set(p.get("tags", ())) & set(as_list(held(a, genre))))),
        (f"Items.ORGANIC {equality} {whose}.ORGANIC",
         lambda _, p, a: compared(p.get("organic"), equality, held(a, "organic"))),
        (f"Items.ORGANIC IN {whose}.ORGANIC", lambda _, p, a: p.get("organic") in as_list(held(a, "organic"))),
        (f"Items.ITEM_ID IN {whose}.PINNED", lambda i, _, a: i in as_list(held(a, "pinned"))),
        (f"Items.ITEM_ID {equality} {whose}.PIN", lambda i, _, a: compared(i, equality, held(a, "pin"))),
    ]  # fmt: skip
    return Clause(*draw(st.sampled_from(ways)))


@st.composite
def time_clauses(draw: st.DrawFn) -> Clause:
    operator, sign, amount = draw(operators), draw(st.sampled_from([-1, 1])), draw(small)
    unit, seconds = draw(st.sampled_from(list(SECONDS.items())))
    name = f"T{amount}"
    shift, text = draw(st.sampled_from([
        (0, "NOW"),
        (sign * amount * seconds, f"NOW {'+' if sign > 0 else '-'} {amount} {unit}"),
        (sign * amount * seconds, f"now{'+' if sign > 0 else '-'}${name} {unit}"),
    ]))  # fmt: skip
    values = {name: (str(amount),)} if "$" in text else {}
    return draw(st.sampled_from([
        Clause(f"Items.creationTimestamp {operator} {text}",
               lambda _, p, a: compared(p.get("creationTimestamp"), operator, a.now_s + shift), values=values),
        Clause(f"CurrentUser.SINCE {operator} {text}",
               lambda _, __, a: compared(a.user.get("since"), operator, a.now_s + shift), values=values),
        on_events(f"Interactions.TIMESTAMP {operator} {text}",
                  lambda e, a: COMPARE[operator](e.seconds, a.now_s + shift), **values),
    ]))  # fmt: skip


@st.composite
def user_clauses(draw: st.DrawFn) -> Clause:
    operator, equality, number, some, truth = (
        draw(operators), draw(equalities), draw(small), draw(words), draw(st.booleans())
    )  # fmt: skip
    ways: list[tuple[str, Callable[[Properties], bool]]] = [
        (f"CurrentUser.AGE {operator} {number}", lambda u: compared(u.get("age"), operator, number)),
        (f'CurrentUser.AGE IN ("{number}")', lambda u: u.get("age") == number),
        (f'CurrentUser.LEVEL {equality} "{some[0]}"', lambda u: compared(u.get("level"), equality, some[0])),
        (f"CurrentUser.LEVEL NOT IN ({quoted(some)})", lambda u: u.get("level") not in some),
        (f"CurrentUser.TAGS IN ({quoted(some)})", lambda u: bool(set(as_list(u.get("tags"))) & set(some))),
        (f"CurrentUser.ORGANIC {equality} {truth}", lambda u: compared(u.get("organic"), equality, truth)),
    ]
    text, holds = draw(st.sampled_from(ways))
    return Clause(text, lambda _, __, requester: holds(requester.user))


event_clauses = st.one_of(
    st.lists(st.sampled_from(TYPES), min_size=1, max_size=2).map(
        lambda types: on_events(f"Interactions.EVENT_TYPE IN ({quoted(types)})", lambda e, _: e.event_type in types)
    ),
    st.just(on_events('Interactions.EVENT_TYPE IN ("stream", "*")', lambda _, __: True)),
    st.builds(
        lambda equality, type_: on_events(
            f'Interactions.EVENT_TYPE {equality} "{type_}"', lambda e, _: COMPARE[equality](e.event_type, type_)
        ),
        equalities,
        st.sampled_from(TYPES),
    ),
    st.builds(
        lambda operator, at: on_events(
            f"Interactions.TIMESTAMP {operator} {at}", lambda e, _: COMPARE[operator](e.seconds, at)
        ),
        operators,
        small,
    ),
)


def all_values(clauses: Sequence[Clause]) -> dict[str, tuple[str, ...]]:
    return {name: value for clause in clauses for name, value in clause.values.items()}


def negated(clause: Clause) -> Clause:
    return Clause(f"NOT ({clause.text})", lambda *row: not clause.holds(*row), values=clause.values)


def either(clauses: list[Clause]) -> Clause:
    tests = [clause.event_test for clause in clauses if clause.event_test]
    event_test = (lambda e, a: any(test(e, a) for test in tests)) if len(tests) == len(clauses) else None
    text = " OR ".join(f"({clause.text})" for clause in clauses)
    return Clause(text, lambda *row: any(c.holds(*row) for c in clauses), event_test, values=all_values(clauses))


def every(clauses: list[Clause]) -> Clause:
    """Join clauses by AND. All conditions on interactions apply to the same interaction."""
    flat = [operand for clause in clauses for operand in (clause.both or [clause])]
    tests = [operand.event_test for operand in flat if operand.event_test]
    others = [operand for operand in flat if not operand.event_test]

    def together(event: Event, requester: Requester) -> bool:
        return all(test(event, requester) for test in tests)

    def holds(item_id: str, properties: Properties, requester: Requester) -> bool:
        if tests and not any(event.item_id == item_id and together(event, requester) for event in requester.events):
            return False
        return all(other.holds(item_id, properties, requester) for other in others)

    text = " AND ".join(f"({clause.text})" for clause in clauses)
    return Clause(text, holds, None if others else together, flat, all_values(clauses))


KINDS: dict[str, st.SearchStrategy[Clause]] = {
    "items": item_clauses(),
    "interactions": event_clauses,
    "parameters": parameter_clauses(),
    "references": reference_clauses(),
    "times": time_clauses(),
    "user": user_clauses(),
}


@st.composite
def clauses(draw: st.DrawFn, depth: int = 2) -> Clause:
    kind = draw(st.sampled_from(["leaf", "or", "and", "and"])) if depth else "leaf"
    if kind == "leaf":
        clause = draw(st.one_of(list(KINDS.values())))
    else:
        operands = [draw(clauses(depth - 1)) for _ in range(draw(st.integers(2, 3)))]
        clause = every(operands) if kind == "and" else either(operands)
    return negated(clause) if draw(st.integers(0, 4)) == 4 else clause
