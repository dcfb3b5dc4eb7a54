"""Columns of filters that the configuration does not declare."""

from alsolike.configuration.configuration import DEFAULT, ColumnType
from alsolike.filters import parser
from alsolike.filters.spelling import undeclared, unknown_event_types

ITEMS = {"categoryL1": ColumnType.STRING, "price": ColumnType.NUMBER}
USERS = {"age": ColumnType.NUMBER}


def found(condition: str) -> list[tuple[int, str]]:
    return list(undeclared(parser.parse(f"INCLUDE ItemID WHERE {condition}"), item_columns=ITEMS, user_columns=USERS))


def test_declared_columns_ids_and_interactions_have_no_warning() -> None:
    assert found('Items.CATEGORY_L1 = "a" AND Items.ITEM_ID IN ("b") AND Interactions.TIMESTAMP > 1') == []
    assert found("Items.PRICE > CurrentItem.PRICE AND Items.PRICE > CurrentUser.AGE") == []


def test_misspelt_item_column_has_a_warning_with_the_nearest_name() -> None:
    assert found("Items.PRCIE > 1") == [
        (21, "Items.PRCIE is not declared, so no item has a value in it, did you mean price?")
    ]


def test_unknown_user_column_has_a_warning_without_a_suggestion() -> None:
    assert found("CurrentUser.ZZZZ > 1") == [
        (
            21,
            "CurrentUser.ZZZZ is not declared, so nothing checks its values. "
            "Declare zzzz in the configuration: users.columns",
        )
    ]


def test_item_id_of_the_current_item_has_a_warning() -> None:
    ((offset, message),) = found("Items.ITEM_ID = CurrentItem.ITEM_ID")

    assert (offset, message.startswith("CurrentItem.ITEM_ID is not declared")) == (37, True)


def event_types(condition: str) -> list[tuple[int, str]]:
    return list(unknown_event_types(parser.parse(f"INCLUDE ItemID WHERE {condition}"), DEFAULT))


def test_known_event_types_and_other_columns_have_no_warning() -> None:
    assert event_types('Interactions.EVENT_TYPE IN ("view", "*", $P) AND Items.NAME IN ("purchse")') == []
    assert event_types('Interactions.EVENT_TYPE != "Purchase" AND Interactions.TIMESTAMP > 1') == []


def test_misspelt_event_type_has_a_warning_with_the_nearest_name() -> None:
    (comparison,) = event_types('Interactions.EVENT_TYPE = "purchse"')
    (membership,) = event_types('Items.NAME = "a" AND Interactions.EVENT_TYPE IN ("view", "purchse")')

    assert (comparison[0], membership[0]) == (21, 42)
    assert comparison[1].endswith("; did you mean purchase?")
    assert membership[1] == comparison[1]


def test_unknown_event_type_has_a_warning_without_a_suggestion() -> None:
    ((_, message),) = event_types('Interactions.EVENT_TYPE IN ("zzzzzz")')

    assert "zzzzzz" in message
    assert "did you mean" not in message
