import pytest

from alsolike.configuration.configuration import DEFAULT, ColumnType
from alsolike.filters import parser
from alsolike.filters.tree import (
    And,
    Column,
    ColumnDataset,
    Comparison,
    Everything,
    Membership,
    Not,
    Operator,
    Or,
    Parameter,
    Time,
    Unit,
    Verb,
)
from alsolike.filters.undeclared_names import undeclared, unknown_event_types
from alsolike.runtime.errors import InvalidFilter


def column(name, key, dataset=ColumnDataset.ITEMS):
    return Column(dataset, name, key, offset=0)


PRICE = column("PRICE", "price")
GENRE = column("GENRE", "genre")
EVENT_TYPE = column("EVENT_TYPE", "eventType", ColumnDataset.INTERACTIONS)


def condition(text):
    (expression,) = parser.parse(f"INCLUDE ItemID WHERE {text}").expressions
    return expression.condition


def cheap(limit):
    return Comparison(PRICE, Operator.LESS, limit)


def test_expressions_between_pipes_keep_their_verbs():
    parsed = parser.parse(
        'INCLUDE ItemID WHERE Items.GENRE IN ($GENRE) | EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("click", "*")'
    )

    include, exclude = parsed.expressions
    assert (include.verb, include.condition) == (Verb.INCLUDE, Membership(GENRE, (Parameter("GENRE"),)))
    assert (exclude.verb, exclude.condition) == (Verb.EXCLUDE, Membership(EVENT_TYPE, ("click", Everything())))
    assert parsed.parameters == ("GENRE",)
    assert [(found.name, found.offset) for found in parsed.columns] == [("GENRE", 21), ("EVENT_TYPE", 68)]


@pytest.mark.parametrize("operator", list(Operator))
@pytest.mark.parametrize(
    ("text", "value"),
    [("20", 20.0), ("-1.5e2", -150.0), ("$P", Parameter("P")), ("($P)", Parameter("P")),
     ("CurrentItem.LIST_PRICE", column("LIST_PRICE", "listPrice", ColumnDataset.CURRENT_ITEM)),
     ("CurrentUser.budget", column("budget", "budget", ColumnDataset.CURRENT_USER))],
)  # fmt: skip
def test_comparison_accepts_numbers_parameters_current_item_and_user(operator, text, value):
    assert condition(f"Items.PRICE {operator} {text}") == Comparison(PRICE, operator, value)


@pytest.mark.parametrize(("text", "value"), [('"De\\"luxe"', 'De"luxe'), ("true", True), ("FALSE", False)])
def test_equality_accepts_strings_and_booleans(text, value):
    assert condition(f"Items.PRICE != {text}") == Comparison(PRICE, Operator.NOT_EQUAL, value)


def test_not_in_is_the_negation_of_in():
    assert condition('Items.GENRE NOT IN ("a")') == Not(Membership(GENRE, ("a",)))
    assert condition("Items.GENRE NOT IN CurrentItem.GENRE") == Not(
        Membership(GENRE, column("GENRE", "genre", ColumnDataset.CURRENT_ITEM))
    )


def test_and_has_precedence_over_or():
    one, two, three = (f"Items.PRICE < {number}" for number in (1, 2, 3))

    assert condition(f"{one} OR {two} AND {three}") == Or((cheap(1), And((cheap(2), cheap(3)))))
    assert condition(f"({one} OR {two}) AND NOT ({three})") == And((Or((cheap(1), cheap(2))), Not(cheap(3))))


def test_user_conditions_come_last():
    (expression,) = parser.parse(
        'EXCLUDE ItemID WHERE Items.PRICE < 1 IF CurrentUser.MEMBERSHIP = $LEVEL AND CurrentUser.TAGS IN ("x")'
    ).expressions

    assert expression.tests == (
        Comparison(column("MEMBERSHIP", "membership", ColumnDataset.CURRENT_USER), Operator.EQUAL, Parameter("LEVEL")),
        Membership(column("TAGS", "tags", ColumnDataset.CURRENT_USER), ("x",)),
    )


@pytest.mark.parametrize(
    ("text", "user", "item", "history", "catalogue"),
    [
        ("Items.PRICE < 1", False, False, False, True),
        ("Items.PRICE < CurrentItem.PRICE", False, True, False, True),
        ("Items.PRICE < 1 IF CurrentUser.AGE > 17", True, False, False, True),
        ("NOT CurrentUser.AGE >= 18", True, False, False, False),
        ("Items.SIZE != CurrentUser.SIZE", True, False, False, True),
        ("Items.BRAND NOT IN CurrentUser.BRANDS", True, False, False, True),
        ("Interactions.TIMESTAMP > NOW - $DAYS DAYS", False, False, True, False),
        ("Items.A = 1 AND (Items.B = 2 OR NOT (Items.C IN CurrentUser.C))", True, False, False, True),
    ],
)
def test_filter_reports_its_required_inputs(text, user, item, history, catalogue):
    parsed = parser.parse(f'EXCLUDE ItemID WHERE Items.ITEM_ID IN ("x") | EXCLUDE ItemID WHERE {text}')
    alone = parser.parse(f"EXCLUDE ItemID WHERE {text}")

    assert (parsed.needs_user, parsed.needs_item, parsed.needs_history) == (user, item, history)
    assert (alone.needs_user, alone.needs_item, alone.needs_history) == (user, item, history)
    assert alone.needs_catalogue == catalogue


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("NOW", Time(1, 0.0, Unit.DAYS)),
        ("NOW - 30 DAYS", Time(-1, 30.0, Unit.DAYS)),
        ("now-30days", Time(-1, 30.0, Unit.DAYS)),
        ("NOW -1.5 HOUR", Time(-1, 1.5, Unit.HOURS)),
        ("NOW + 1 Week", Time(1, 1.0, Unit.WEEKS)),
        ("NOW +5 MINUTES", Time(1, 5.0, Unit.MINUTES)),
        ("NOW - $DAYS DAYS", Time(-1, Parameter("DAYS"), Unit.DAYS)),
        ("NOW+($DAYS)DAY", Time(1, Parameter("DAYS"), Unit.DAYS)),
    ],
)
def test_times_are_relative_to_now(text, time):
    (expression,) = parser.parse(f"INCLUDE ItemID WHERE Items.creationTimestamp > {text}").expressions

    assert isinstance(expression.condition, Comparison)
    assert expression.condition.value == time
    assert isinstance(expression.condition.value, Time)
    assert expression.condition.value.offset == 47
    assert expression.parameters == (("DAYS",) if "$" in text else ())


def test_redundant_parentheses_change_nothing():
    one, two, three = (f"Items.PRICE < {number}" for number in (1, 2, 3))

    assert condition(f"({one} AND {two}) AND {three}") == condition(f"{one} AND ({two} AND ({three}))")
    assert condition(f"({one} OR {two}) OR {three}") == Or((cheap(1), cheap(2), cheap(3)))


def test_keywords_and_column_spellings_are_case_insensitive():
    assert parser.parse("include itemid where items.price<1 or items.categoryL1=2") == parser.parse(
        "INCLUDE ItemID WHERE Items.price < 1\n OR Items.categoryL1 = 2.0"
    )


@pytest.mark.parametrize(
    ("expression", "offset", "message"),
    [
        ("", 0, "character 1: found the end, expected INCLUDE or EXCLUDE"),
        ("ONLY ItemID", 0, "character 1: found ONLY, expected INCLUDE or EXCLUDE"),
        ("INCLUDE UserID WHERE Users.AGE > 1", 8, "character 9: found UserID, expected ItemID; filters of actions"),
        ("INCLUDE ActionID WHERE Actions.VALUE < 1", 8, "expected ItemID; filters of actions and of users are"),
        ("INCLUDE ItemID Items.PRICE < 1", 15, "character 16: found Items, expected WHERE"),
        ("INCLUDE ItemID WHERE Item.PRICE < 1", 21, "expected Items.COLUMN, Interactions.COLUMN or CurrentUser"),
        ("INCLUDE ItemID WHERE Users.AGE > 1", 21, "CurrentUser.COLUMN; the requesting user is CurrentUser"),
        ("INCLUDE ItemID WHERE Items PRICE < 1", 27, "character 28: found PRICE, expected ."),
        ("INCLUDE ItemID WHERE Items.PRICE LIKE 1", 33, "found LIKE, expected IN, NOT IN, =, !=, <, <=, > or >="),
        ("INCLUDE ItemID WHERE Items.PRICE < 'a'", 35, "found ', expected a keyword, column, value or operator"),
        ('INCLUDE ItemID WHERE Items.PRICE < "a"', 35, 'found "a", expected a number, $PARAMETER, NOW, CurrentItem'),
        ("INCLUDE ItemID WHERE Items.PRICE < ($P", 38, "character 39: found the end, expected )"),
        ("INCLUDE ItemID WHERE Items.PRICE < 1 AND", 40, "found the end, expected Items.COLUMN"),
        ("INCLUDE ItemID WHERE Items.PRICE < 1 Items.A = 2", 37, "found Items, expected AND, OR, IF, | or the end"),
        ('INCLUDE ItemID WHERE Items.GENRE IN "a"', 36, 'found "a", expected ('),
        ('INCLUDE ItemID WHERE Items.GENRE IN ("a" "b")', 41, 'found "b", expected )'),
        ("INCLUDE ItemID WHERE Items.GENRE IN ()", 37, 'found ), expected a text such as "shoes", or $PARAMETER'),
        ('INCLUDE ItemID WHERE Items.GENRE IN ("a', 37, 'found ", expected a closing " after it'),
        ('INCLUDE ItemID WHERE Items.GENRE IN ("*")', 37, '"*" stands for every event type'),
        ('INCLUDE ItemID WHERE Interactions.DEVICE IN ("tv")', 34, "found DEVICE, expected EVENT_TYPE or TIMESTAMP"),
        ("INCLUDE ItemID WHERE Interactions.EVENT_TYPE < $P", 45, "an event type is a text"),
        ("INCLUDE ItemID WHERE Interactions.EVENT_TYPE = 3", 47, 'expected a text such as "purchase", or $PARAMETER'),
        ('INCLUDE ItemID WHERE Interactions.TIMESTAMP IN ("1")', 47, "TIMESTAMP is a number"),
        ("INCLUDE ItemID WHERE Interactions.TIMESTAMP = CurrentItem.A", 46, "only columns of Items are compared"),
        ("INCLUDE ItemID WHERE Items.A < NOW - 3", 38, "found the end, expected MINUTES, HOURS, DAYS or WEEKS"),
        ("INCLUDE ItemID WHERE Items.A < NOW - 3 MONTHS", 39, "found MONTHS, expected MINUTES, HOURS, DAYS or WEEKS"),
        ("INCLUDE ItemID WHERE Items.A < NOW - DAYS", 37, "found DAYS, expected an amount: a number of at least"),
        ("INCLUDE ItemID WHERE Items.A < NOW + -3 DAYS", 37, "found -3, expected an amount: a number of at least"),
        ("INCLUDE ItemID WHERE Items.A < NOW 3 DAYS", 35, "found 3, expected + or - before it"),
        ("INCLUDE ItemID WHERE Items.A < NOW - ($N DAYS", 41, "found DAYS, expected )"),
        ("INCLUDE ItemID WHERE Items.A IN (NOW)", 33, 'found NOW, expected a text such as "shoes"'),
        ("INCLUDE ItemID WHERE Interactions.EVENT_TYPE = NOW", 47, 'found NOW, expected a text such as "purchase"'),
        ("INCLUDE ItemID WHERE Interactions.EVENT_VALUE > 3", 34, "found EVENT_VALUE, expected EVENT_TYPE or TIM"),
        ("INCLUDE ItemID WHERE CurrentUser.A = CurrentUser.B", 37, "only columns of Items are compared with CurrentU"),
        ("INCLUDE ItemID WHERE Items.A = CurrentUser B", 43, "character 44: found B, expected ."),
        ('INCLUDE ItemID WHERE CurrentUser.A IN ("*")', 39, '"*" stands for every event type'),
        ("INCLUDE ItemID WHERE CurrentItem.A = 1", 21, "found CurrentItem, expected Items.COLUMN"),
        ("INCLUDE ItemID WHERE Items.A = 1 IF Items.B = 2", 36, "found Items, expected CurrentUser.COLUMN"),
        ("INCLUDE ItemID WHERE Items.A = 1 IF CurrentUser.B = 2 OR", 54, "found OR, expected AND, OR, IF, |"),
        (f"INCLUDE ItemID WHERE Items.A = ${'p' * 51}", 31, "expected a name of at most 50 characters"),
        (f"INCLUDE ItemID WHERE Items.A IN ({','.join(f'$P{n}' for n in range(26))})", 148, "at most 25 parameters"),
        ("INCLUDE ItemID WHERE " + "(" * 33, 53, "expected groups at most 32 deep"),
        ("INCLUDE ItemID WHERE (Items.A = 1) AND " + "(" * 33, 71, "expected groups at most 32 deep"),
        ("x" * 40, 0, f"found {'x' * 40}, expected INCLUDE or EXCLUDE"),
        ("x" * 41, 0, f"found {'x' * 40}…, expected INCLUDE or EXCLUDE"),
        ("x" * 2_501, 2_500, "the expression has 2,501 characters, expected at most 2,500"),
    ],
)  # fmt: skip
def test_syntax_error_has_its_character(expression, offset, message):
    with pytest.raises(InvalidFilter) as caught:
        parser.parse(expression)

    assert message in str(caught.value)
    assert caught.value.offset == offset


def test_longest_parameter_name_and_expression_are_accepted():
    name = "p" * 50

    assert parser.parse(f"INCLUDE ItemID WHERE Items.A = ${name}".ljust(2_500)).parameters == (name,)


ITEMS = {"categoryL1": ColumnType.STRING, "price": ColumnType.NUMBER}
USERS = {"age": ColumnType.NUMBER}


@pytest.mark.parametrize(
    ("condition", "warnings"),
    [
        ('Items.CATEGORY_L1 = "a" AND Items.ITEM_ID IN ("b") AND Interactions.TIMESTAMP > 1', []),
        ("Items.PRICE > CurrentItem.PRICE AND Items.PRICE > CurrentUser.AGE", []),
        (
            "Items.PRCIE > 1",
            [(21, "Items.PRCIE is not declared, so no item has a value in it, did you mean price?")],
        ),
        (
            "CurrentUser.ZZZZ > 1",
            [
                (
                    21,
                    "CurrentUser.ZZZZ is not declared, so nothing checks its values. "
                    "Declare zzzz in the configuration: users.columns",
                )
            ],
        ),
        (
            "Items.ITEM_ID = CurrentItem.ITEM_ID",
            [
                (
                    37,
                    "CurrentItem.ITEM_ID is not declared, so nothing checks its values. "
                    "Declare itemId in the configuration: items.columns",
                )
            ],
        ),
    ],
)
def test_undeclared_column_has_a_warning_with_the_nearest_name(condition, warnings):
    parsed = parser.parse(f"INCLUDE ItemID WHERE {condition}")

    assert list(undeclared(parsed, item_columns=ITEMS, user_columns=USERS)) == warnings


EVENT_TYPES = "expected one of view, click, cart, purchase, return, search"


@pytest.mark.parametrize(
    ("condition", "warnings"),
    [
        ('Interactions.EVENT_TYPE IN ("view", "*", $P) AND Items.NAME IN ("purchse")', []),
        ('Items.EVENT_TYPE = "purchse"', []),
        ('Interactions.EVENT_TYPE != "Purchase" AND Interactions.TIMESTAMP > 1', []),
        (
            'Interactions.EVENT_TYPE = "purchse"',
            [(21, f"eventType is 'purchse', {EVENT_TYPES}; did you mean purchase?")],
        ),
        (
            'Items.NAME = "a" AND Interactions.EVENT_TYPE IN ("view", "zzzzzz")',
            [(42, f"eventType is 'zzzzzz', {EVENT_TYPES}")],
        ),
    ],
)
def test_unknown_event_type_has_a_warning_with_the_nearest_name(condition, warnings):
    assert list(unknown_event_types(parser.parse(f"INCLUDE ItemID WHERE {condition}"), DEFAULT)) == warnings
