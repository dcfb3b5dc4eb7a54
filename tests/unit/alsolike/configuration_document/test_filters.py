import pytest

from alsolike.configuration_document.document import parse
from alsolike.schema.document import InvalidConfiguration
from tests.unit.alsolike.refused_documents import only_fault


def test_filter_syntax_error_has_its_character():
    fault = only_fault({"format": 1, "filters": {"a": "EXCLUDE ItemID WHERE Items.X = = 1"}})

    assert (fault.path, fault.offset) == (("filters", "a"), 31)
    assert "found =, expected a number" in fault.message


def test_invalid_filter_name_is_a_fault_of_the_key():
    fault = only_fault({"format": 1, "filters": {"a b": "EXCLUDE ItemID WHERE Items.X = 1"}})

    assert (fault.path, fault.at_key) == (("filters", "a b"), True)


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ("Items.PRICE IN ($P)", None),
        ('Items.PRICE IN ("3")', None),
        ("Items.PRICE < CurrentItem.PRICE", None),
        ('Items.PRICE = "x"', 'Items.PRICE is declared as number and compared with "x", expected a number'),
        (
            'Items.UNDECLARED = 1 AND Items.PRICE = "x"',
            'Items.PRICE is declared as number and compared with "x", expected a number',
        ),
        ('Items.PRICE IN ("3", "x")', 'Items.PRICE is declared as number and compared with "x", expected a number'),
        ("Items.NEW = 1", "Items.NEW is declared as boolean and compared with 1.0, expected true or false"),
        ('Items.NEW IN ("true")', None),
        ('Items.NEW IN ("yes")', 'Items.NEW is declared as boolean and compared with "yes", expected true or false'),
        ('Items.BRAND IN ("Acme")', None),
        ("Items.BRAND > 1", "Items.BRAND is declared as string and compared with >, expected IN, = or !="),
        ("Items.ITEM_ID > 3", "Items.ITEM_ID is declared as string and compared with >, expected IN, = or !="),
        ("Items.PRICE < 1e400", "Items.PRICE is declared as number and compared with inf, expected a number"),
        ("Items.BRAND = 1", "Items.BRAND is declared as string and compared with 1.0, expected a text"),
        ('Items.TAGS = "a"', "Items.TAGS is declared as list and compared with =, expected IN"),
        ('Items.ABOUT IN ("a")', "Items.ABOUT is declared as text and searched in no filter, expected a column decl"),
        (
            "Items.PRICE = 1 IF CurrentUser.AGE = true",
            "CurrentUser.AGE is declared as number and compared with true, ex",
        ),
    ],
)
def test_filter_condition_must_match_the_declared_column_type(condition, message):
    reported = faults(condition)

    assert [fault.path for fault in reported] == ([("filters", "a")] if message else [])
    for fault in reported:
        assert f"cannot be met: character {fault.offset + 1}: {message}" in str(fault)
        assert fault.offset == f"EXCLUDE ItemID WHERE {condition}".index(message.split(" ")[0])


@pytest.mark.parametrize(
    ("condition", "other", "message"),
    [
        ("Items.PRICE < NOW - 1 DAY", "NOW", "number and compared with NOW, expected timestamp"),
        ("Items.BRAND = NOW", "NOW", "string and compared with NOW, expected timestamp"),
        ("CurrentUser.AGE > NOW", "NOW", "number and compared with NOW, expected timestamp"),
        ("Items.PRICE < CurrentUser.BRANDS", "CurrentUser.BRANDS", "CurrentUser.BRANDS, which is declared as list"),
        ("Items.BRAND = CurrentUser.BRANDS", "CurrentUser.BRANDS", "which is declared as list: expected IN"),
        ("Items.PRICE < CurrentItem.BRAND", "CurrentItem.BRAND", "CurrentItem.BRAND, which is declared as string"),
    ],
)
def test_compared_values_must_have_the_same_type(condition, other, message):
    (fault,) = faults(condition)

    assert (fault.path, fault.offset) == (("filters", "a"), f"EXCLUDE ItemID WHERE {condition}".index(other))
    assert message in str(fault)


def faults(condition):
    document = {
        "format": 1,
        "items": {"columns": {"price": "number", "new": "boolean", "brand": "string", "tags": "list", "about": "text"}},
        "users": {"columns": {"AGE": "number", "BRANDS": "list"}},
        "filters": {"a": f"EXCLUDE ItemID WHERE {condition}"},
    }
    try:
        parse(document)
    except InvalidConfiguration as error:
        return list(error.faults)
    return []


@pytest.mark.parametrize(
    ("expression", "need"),
    [
        ("INCLUDE ItemID WHERE Items.BRAND IN ($BRAND)", "needs a value for $BRAND"),
        (
            "EXCLUDE ItemID WHERE Items.BRAND IN CurrentItem.BRAND",
            "needs an item, because it compares with CurrentItem",
        ),
        ("EXCLUDE ItemID WHERE Items.BRAND IN ($BRAND)", None),  # The parameter may be omitted.
    ],
)
def test_recommender_filter_may_not_need_request_values(expression, need):
    document = {
        "format": 1, "items": {"columns": {"brand": "string"}}, "filters": {"f": expression},
        "recommenders": {"for-you": {"filter": "f"}},
    }  # fmt: skip

    if need is None:
        assert parse(document).recommenders["for-you"].filter == "f"
    else:
        fault = only_fault(document)
        assert fault.path == ("recommenders", "for-you", "filter")
        assert f"is 'f', which {need}" in fault.message


def test_reference_to_an_invalid_filter_is_not_a_second_fault():
    document = {"format": 1, "filters": {"a": 1}, "recommenders": {"for-you": {"filter": "a"}}}

    assert only_fault(document).path == ("filters", "a")
