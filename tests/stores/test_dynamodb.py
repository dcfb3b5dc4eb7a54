"""Operations of DynamoDB that the product uses, in memory and on moto."""

import pytest
from botocore.exceptions import ClientError

from tests.fakes.places import TABLE, create_profiles_table
from tests.stores.refusals import refusal

INVALID = ("ValidationException", 400)
moto_differs = pytest.mark.moto_differs
CONFLICT = ("ConditionalCheckFailedException", 400)


def key(name):
    return {"id": {"S": name}}


def put(dynamodb, name, **attributes):
    dynamodb.put_item(TableName=TABLE, Item={**key(name), **attributes})


def get(dynamodb, name, **options):
    return dynamodb.get_item(TableName=TABLE, Key=key(name), **options).get("Item")


def scanned(dynamodb, **options):
    pages = dynamodb.get_paginator("scan").paginate(TableName=TABLE, **options)
    return sorted(item["id"]["S"] for page in pages for item in page["Items"])


def test_item_is_unchanged_after_write_and_read(dynamodb):
    item = {
        **key("ann"),
        "text": {"S": "ä"},
        "number": {"N": "-1.5"},
        "bytes": {"B": b"\x00\xff"},
        "flag": {"BOOL": False},
        "nothing": {"NULL": True},
        "list": {"L": [{"S": "a"}, {"N": "1"}]},
        "map": {"M": {"a": {"M": {}}}},
    }

    response = dynamodb.put_item(TableName=TABLE, Item=item)

    assert "Attributes" not in response
    assert get(dynamodb, "ann") == item
    assert get(dynamodb, "ann", ConsistentRead=True) == item


def test_missing_item_is_absent_from_the_response(dynamodb):
    assert get(dynamodb, "absent") is None


def test_put_replaces_the_complete_item(dynamodb):
    put(dynamodb, "ann", a={"N": "1"})

    response = dynamodb.put_item(TableName=TABLE, Item={**key("ann"), "b": {"N": "2"}}, ReturnValues="ALL_OLD")

    assert response["Attributes"] == {**key("ann"), "a": {"N": "1"}}
    assert get(dynamodb, "ann") == {**key("ann"), "b": {"N": "2"}}


def test_read_item_is_a_copy(dynamodb):
    put(dynamodb, "ann", map={"M": {"a": {"N": "1"}}})

    item = get(dynamodb, "ann")
    assert item is not None
    item["map"]["M"]["a"] = {"N": "2"}

    assert get(dynamodb, "ann") == {**key("ann"), "map": {"M": {"a": {"N": "1"}}}}


def test_projection_returns_the_named_attributes(dynamodb):
    put(dynamodb, "ann", a={"N": "1"}, b={"N": "2"}, map={"M": {"x": {"N": "3"}, "y": {"N": "4"}}})

    assert get(dynamodb, "ann", ProjectionExpression="id, #b, absent", ExpressionAttributeNames={"#b": "b"}) == {
        **key("ann"),
        "b": {"N": "2"},
    }
    nested = get(dynamodb, "ann", ProjectionExpression="#m.x", ExpressionAttributeNames={"#m": "map"})
    assert nested == {"map": {"M": {"x": {"N": "3"}}}}


@pytest.mark.parametrize(
    ("operation", "request_"),
    [
        ("get_item", {"Key": key("a")}),
        ("put_item", {"Item": key("a")}),
        ("update_item", {"Key": key("a")}),
        ("delete_item", {"Key": key("a")}),
        ("scan", {}),
        ("describe_table", {}),
    ],
)
def test_missing_table_is_refused(dynamodb, operation, request_):
    call = getattr(dynamodb, operation)

    assert refusal(call, TableName="absent", **request_) == ("ResourceNotFoundException", 400)


def test_missing_table_of_a_batch_is_refused(dynamodb):
    writes = {"absent": [{"PutRequest": {"Item": key("a")}}]}

    assert refusal(dynamodb.batch_get_item, RequestItems={"absent": {"Keys": [key("a")]}}) == (
        "ResourceNotFoundException",
        400,
    )
    assert refusal(dynamodb.batch_write_item, RequestItems=writes) == ("ResourceNotFoundException", 400)


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"other": {"S": "a"}},
        {**key("a"), "b": {"S": "b"}},
        pytest.param({"id": {"N": "1"}}, marks=moto_differs("does not check the type of a key")),
    ],
)
def test_key_of_another_schema_is_refused(dynamodb, wrong):
    assert refusal(dynamodb.get_item, TableName=TABLE, Key=wrong) == INVALID


def test_item_without_its_key_is_refused(dynamodb):
    assert refusal(dynamodb.put_item, TableName=TABLE, Item={"a": {"S": "b"}}) == INVALID
    assert refusal(dynamodb.put_item, TableName=TABLE, Item=key("")) == INVALID


@moto_differs("allows 5 KB more")
def test_item_of_more_than_400_kb_is_refused(dynamodb):
    put(dynamodb, "ann", a={"B": b"x" * (400 * 1024 - 6)})  # names and values count, so id, ann and a are 6 bytes

    assert (
        refusal(dynamodb.put_item, TableName=TABLE, Item={**key("ann"), "a": {"B": b"x" * (400 * 1024 - 5)}}) == INVALID
    )


def test_item_is_created_once(dynamodb):
    request = {"TableName": TABLE, "ConditionExpression": "attribute_not_exists(id)"}
    dynamodb.put_item(Item={**key("ann"), "a": {"N": "1"}}, **request)

    with pytest.raises(dynamodb.exceptions.ConditionalCheckFailedException):
        dynamodb.put_item(Item={**key("ann"), "a": {"N": "2"}}, **request)

    assert refusal(dynamodb.put_item, Item=key("ann"), **request) == CONFLICT
    assert get(dynamodb, "ann") == {**key("ann"), "a": {"N": "1"}}


def test_conflict_returns_the_item_on_request(dynamodb):
    put(dynamodb, "ann", a={"N": "1"})
    request = {"TableName": TABLE, "Item": key("ann"), "ConditionExpression": "attribute_not_exists(id)"}

    with pytest.raises(ClientError) as bare:
        dynamodb.put_item(**request)
    with pytest.raises(ClientError) as raised:
        dynamodb.put_item(**request, ReturnValuesOnConditionCheckFailure="ALL_OLD")

    assert "Item" not in bare.value.response
    assert raised.value.response["Item"] == {**key("ann"), "a": {"N": "1"}}


VALUES = {
    ":1": {"N": "1"},
    ":10": {"N": "10"},
    ":2": {"N": "2"},
    ":9": {"N": "9"},
    ":a": {"S": "a"},
    ":ab": {"S": "ab"},
    ":b": {"S": "b"},
    ":bytes": {"B": b"\x01"},
    ":S": {"S": "S"},
    ":list": {"L": [{"N": "1"}]},
}


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("n = :10", True),
        ("n = :1", False),
        ("n <> :1", True),
        ("n > :9", True),  # compared as numbers, not as texts
        ("n >= :10", True),
        ("n < :9", False),
        ("n <= :9", False),
        ("s < :b", True),
        ("n = :a", False),  # the types differ
        pytest.param("n < :a", False, marks=moto_differs("fails with a TypeError")),
        ("n <> :a", True),
        ("absent = :a", False),
        ("absent <> :a", True),
        ("absent < :a", False),
        ("b = :bytes", True),
        ("l = :list", True),
        ("n BETWEEN :9 AND :10", True),
        ("n BETWEEN :1 AND :9", False),
        ("n IN (:1, :10)", True),
        ("s IN (:b, :1)", False),
        ("attribute_exists(n)", True),
        ("attribute_exists(absent)", False),
        ("attribute_not_exists(m.x)", False),
        ("attribute_not_exists(m.y)", True),
        ("attribute_type(s, :S)", True),
        ("attribute_type(n, :S)", False),
        ("begins_with(s, :a)", True),
        ("begins_with(s, :b)", False),
        ("contains(s, :b)", True),
        ("contains(l, :1)", True),
        ("contains(l, :2)", False),
        ("size(s) = :2", True),
        ("size(l) = :1", True),
        ("m.x = :1", True),
        ("#n = :10 AND s = :ab", True),
        ("#n = :1 AND s = :ab OR s = :ab", True),
        ("#n = :1 AND (s = :ab OR s = :ab)", False),
        ("NOT #n = :1", True),
        ("NOT (#n = :10 AND s = :ab)", False),
        ("n = :10 and not s = :b or n = :1", True),
    ],
)
def test_condition_is_evaluated(dynamodb, condition, holds):
    put(
        dynamodb,
        "ann",
        n={"N": "10"},
        s={"S": "ab"},
        b={"B": b"\x01"},
        l={"L": [{"N": "1"}]},
        m={"M": {"x": {"N": "1"}}},
    )
    words = condition.replace("(", " ").replace(")", " ").replace(",", " ").split()
    request = {
        "TableName": TABLE,
        "Key": key("ann"),
        "ConditionExpression": condition,
        "ExpressionAttributeValues": {name: VALUES[name] for name in words if name in VALUES},
        "ExpressionAttributeNames": {"#n": "n"} if "#n" in words else {},
    }
    request = {name: value for name, value in request.items() if value}

    if holds:
        dynamodb.delete_item(**request)
        assert get(dynamodb, "ann") is None
    else:
        assert refusal(dynamodb.delete_item, **request) == CONFLICT
        assert get(dynamodb, "ann") is not None


@moto_differs("fails with a ValueError, or ignores what it does not understand")
@pytest.mark.parametrize(
    "expression",
    [
        "n = :absent",
        "#absent = :v",
        "n = ",
        "n :v",
        "(n = :v",
        "nothing_like_this(n)",
        "n = :v AND",
        "attribute_exists(n, :v)",
    ],
)
def test_invalid_condition_is_refused(dynamodb, expression):
    put(dynamodb, "ann", n={"N": "1"})
    values = {":v": {"N": "1"}}
    request = {"ConditionExpression": expression, "ExpressionAttributeValues": values}

    assert refusal(dynamodb.delete_item, TableName=TABLE, Key=key("ann"), **request) == INVALID


def test_unused_values_and_names_of_an_expression_are_refused(dynamodb):
    request = {"TableName": TABLE, "Key": key("ann"), "UpdateExpression": "SET a = :a"}
    values = {":a": {"N": "1"}}

    assert refusal(dynamodb.update_item, **request, ExpressionAttributeValues={**values, ":b": {"N": "2"}}) == INVALID
    assert (
        refusal(dynamodb.update_item, **request, ExpressionAttributeValues=values, ExpressionAttributeNames={"#b": "b"})
        == INVALID
    )


def test_update_sets_and_removes_attributes(dynamodb):
    put(dynamodb, "ann", a={"N": "1"}, b={"N": "2"}, m={"M": {"x": {"N": "1"}}})

    response = dynamodb.update_item(
        TableName=TABLE,
        Key=key("ann"),
        UpdateExpression="SET a = :text, c = b, d = b + :one, e = b - :one, m.y = :one REMOVE b, f",
        ExpressionAttributeValues={":text": {"S": "x"}, ":one": {"N": "1"}},
        ReturnValues="ALL_NEW",
    )

    expected = {
        **key("ann"),
        "a": {"S": "x"},
        "c": {"N": "2"},
        "d": {"N": "3"},
        "e": {"N": "1"},
        "m": {"M": {"x": {"N": "1"}, "y": {"N": "1"}}},
    }
    assert response["Attributes"] == expected
    assert get(dynamodb, "ann") == expected


def test_update_keeps_an_existing_attribute_with_if_not_exists(dynamodb):
    for value in ("1", "2"):
        dynamodb.update_item(
            TableName=TABLE,
            Key=key("ann"),
            UpdateExpression="SET a = if_not_exists(a, :value), b = :value",
            ExpressionAttributeValues={":value": {"N": value}},
        )

    assert get(dynamodb, "ann") == {**key("ann"), "a": {"N": "1"}, "b": {"N": "2"}}


def test_update_adds_to_a_number(dynamodb):
    for _ in range(2):
        dynamodb.update_item(
            TableName=TABLE,
            Key=key("ann"),
            UpdateExpression="ADD revision :one SET a = :one",
            ExpressionAttributeValues={":one": {"N": "1"}},
        )

    assert get(dynamodb, "ann") == {**key("ann"), "a": {"N": "1"}, "revision": {"N": "2"}}


def test_update_of_a_missing_item_creates_it(dynamodb):
    response = dynamodb.update_item(
        TableName=TABLE,
        Key=key("ann"),
        UpdateExpression="SET a = :a",
        ExpressionAttributeValues={":a": {"N": "1"}},
        ReturnValues="ALL_OLD",
    )

    assert "Attributes" not in response
    assert get(dynamodb, "ann") == {**key("ann"), "a": {"N": "1"}}


def test_update_with_a_false_condition_changes_nothing(dynamodb):
    request = {
        "TableName": TABLE,
        "Key": key("ann"),
        "UpdateExpression": "SET a = :a",
        "ConditionExpression": "attribute_exists(id)",
        "ExpressionAttributeValues": {":a": {"N": "1"}},
    }

    assert refusal(dynamodb.update_item, **request) == CONFLICT
    assert get(dynamodb, "ann") is None


@pytest.mark.parametrize("expression", ["SET id = :a", "SET b = absent, a = :a", "SET a = :a, a = :a", "SET x.y = :a"])
def test_invalid_update_is_refused(dynamodb, expression):
    put(dynamodb, "ann")
    request = {"UpdateExpression": expression, "ExpressionAttributeValues": {":a": {"S": "b"}}}

    assert refusal(dynamodb.update_item, TableName=TABLE, Key=key("ann"), **request) == INVALID
    assert get(dynamodb, "ann") == key("ann")


def test_deletion_returns_the_previous_item_on_request(dynamodb):
    put(dynamodb, "ann", a={"N": "1"})
    request = {"TableName": TABLE, "Key": key("ann"), "ReturnValues": "ALL_OLD"}

    assert dynamodb.delete_item(**request)["Attributes"] == {**key("ann"), "a": {"N": "1"}}
    assert "Attributes" not in dynamodb.delete_item(**request)


def test_batch_returns_existing_items(dynamodb):
    for name in ("ann", "bob"):
        put(dynamodb, name, a={"N": "1"})
    part = {"Keys": [key(name) for name in ("ann", "absent", "bob")], "ProjectionExpression": "id"}

    response = dynamodb.batch_get_item(RequestItems={TABLE: part})

    assert sorted(item["id"]["S"] for item in response["Responses"][TABLE]) == ["ann", "bob"]
    assert all("a" not in item for item in response["Responses"][TABLE])
    assert response["UnprocessedKeys"] == {}


def test_batch_reads_at_most_100_different_items(dynamodb):
    hundred = [key(f"{number}") for number in range(100)]

    assert dynamodb.batch_get_item(RequestItems={TABLE: {"Keys": hundred}})["Responses"] == {TABLE: []}
    assert refusal(dynamodb.batch_get_item, RequestItems={TABLE: {"Keys": [*hundred, key("x")]}}) == INVALID
    assert refusal(dynamodb.batch_get_item, RequestItems={TABLE: {"Keys": [key("a"), key("a")]}}) == INVALID


def test_batch_writes_and_deletes(dynamodb):
    put(dynamodb, "ann")

    response = dynamodb.batch_write_item(
        RequestItems={TABLE: [{"PutRequest": {"Item": key("bob")}}, {"DeleteRequest": {"Key": key("ann")}}]}
    )

    assert response["UnprocessedItems"] == {}
    assert scanned(dynamodb) == ["bob"]


@moto_differs("accepts more")
def test_batch_has_at_most_25_writes(dynamodb):
    writes = [{"PutRequest": {"Item": key(f"{number}")}} for number in range(26)]

    assert refusal(dynamodb.batch_write_item, RequestItems={TABLE: writes}) == INVALID
    assert scanned(dynamodb) == []


@moto_differs("writes the item twice")
def test_batch_with_two_writes_of_an_item_is_refused(dynamodb):
    writes = [{"PutRequest": {"Item": key("ann")}}, {"DeleteRequest": {"Key": key("ann")}}]

    assert refusal(dynamodb.batch_write_item, RequestItems={TABLE: writes}) == INVALID


def test_scan_returns_all_items_that_pass_its_filter(dynamodb):
    for number in range(4):
        put(dynamodb, f"{number}", n={"N": f"{number}"})

    page = dynamodb.scan(
        TableName=TABLE, FilterExpression="n > :1", ExpressionAttributeValues={":1": {"N": "1"}}, ConsistentRead=True
    )

    assert sorted(item["id"]["S"] for item in page["Items"]) == ["2", "3"]
    assert (page["Count"], page["ScannedCount"]) == (2, 4)
    assert "LastEvaluatedKey" not in page


def test_scan_can_count_and_project(dynamodb):
    for number in range(3):
        put(dynamodb, f"{number}", n={"N": f"{number}"})

    counted = dynamodb.scan(TableName=TABLE, Select="COUNT")
    projected = dynamodb.scan(TableName=TABLE, ProjectionExpression="n")

    assert counted["Count"] == 3
    assert sorted(item["n"]["N"] for item in projected["Items"]) == ["0", "1", "2"]
    assert all("id" not in item for item in projected["Items"])


def test_scan_continues_from_page_to_page(dynamodb):
    for number in range(5):
        put(dynamodb, f"{number}")

    first = dynamodb.scan(TableName=TABLE, Limit=2)

    assert first["ScannedCount"] == 2
    assert first["LastEvaluatedKey"] == first["Items"][-1]
    assert scanned(dynamodb, PaginationConfig={"PageSize": 2}) == ["0", "1", "2", "3", "4"]


def test_limit_of_a_scan_counts_items_before_the_filter(dynamodb):
    for number in range(4):
        put(dynamodb, f"{number}")

    page = dynamodb.scan(TableName=TABLE, Limit=3, FilterExpression="attribute_exists(absent)")

    assert (page["Items"], page["ScannedCount"]) == ([], 3)
    assert "LastEvaluatedKey" in page


def test_page_of_a_scan_ends_at_one_megabyte(dynamodb):
    for number in range(4):
        put(dynamodb, f"{number}", data={"B": b"x" * 390_000})

    page = dynamodb.scan(TableName=TABLE)

    assert 2 <= len(page["Items"]) <= 3
    assert "LastEvaluatedKey" in page
    assert scanned(dynamodb) == ["0", "1", "2", "3"]


@moto_differs("starts from the beginning if the last key is gone")
def test_scan_continues_after_a_deleted_item(dynamodb):
    for number in range(4):
        put(dynamodb, f"{number}")
    first = dynamodb.scan(TableName=TABLE, Limit=2)

    dynamodb.delete_item(TableName=TABLE, Key=first["LastEvaluatedKey"])
    rest = dynamodb.scan(TableName=TABLE, ExclusiveStartKey=first["LastEvaluatedKey"])

    assert sorted(item["id"]["S"] for item in first["Items"] + rest["Items"]) == ["0", "1", "2", "3"]


def test_segments_of_a_scan_cover_the_table(dynamodb):
    for number in range(10):
        put(dynamodb, f"{number}")

    segments = [scanned(dynamodb, Segment=number, TotalSegments=3) for number in range(3)]

    assert sorted(name for names in segments for name in names) == [f"{number}" for number in range(10)]


def test_table_with_a_sort_key_keeps_items_of_one_partition_separate(aws):
    dynamodb = aws("dynamodb")
    dynamodb.create_table(
        TableName="visits",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}, {"AttributeName": "day", "KeyType": "RANGE"}],
        AttributeDefinitions=[
            {"AttributeName": "id", "AttributeType": "S"},
            {"AttributeName": "day", "AttributeType": "S"},
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    for day in ("1", "2"):
        dynamodb.put_item(TableName="visits", Item={**key("ann"), "day": {"S": day}})

    dynamodb.delete_item(TableName="visits", Key={**key("ann"), "day": {"S": "1"}})

    assert dynamodb.scan(TableName="visits")["Items"] == [{**key("ann"), "day": {"S": "2"}}]
    assert refusal(dynamodb.get_item, TableName="visits", Key=key("ann")) == INVALID


def test_table_is_described(dynamodb):
    put(dynamodb, "ann")

    table = dynamodb.describe_table(TableName=TABLE)["Table"]

    assert (table["TableName"], table["TableStatus"], table["ItemCount"]) == (TABLE, "ACTIVE", 1)
    assert table["TableArn"] == f"arn:aws:dynamodb:eu-west-1:123456789012:table/{TABLE}"
    assert table["KeySchema"] == [{"AttributeName": "id", "KeyType": "HASH"}]
    assert dynamodb.list_tables()["TableNames"] == [TABLE]


def test_deleted_table_is_missing(dynamodb):
    dynamodb.delete_table(TableName=TABLE)

    assert dynamodb.list_tables()["TableNames"] == []
    assert refusal(dynamodb.get_item, TableName=TABLE, Key=key("ann")) == ("ResourceNotFoundException", 400)


def visits(dynamodb, *days):
    """Create a table with a sort key and Ann's visits, and return a function that queries them."""
    create_profiles_table(dynamodb, "visits")
    for day in days:
        item = {"profile_id": {"S": "ann"}, "sort_key": {"S": day}, "page": {"S": f"page {day}"}}
        dynamodb.put_item(TableName="visits", Item=item)
    dynamodb.put_item(TableName="visits", Item={"profile_id": {"S": "bob"}, "sort_key": {"S": "3"}})

    def query(condition="", values=None, **options):
        return dynamodb.query(
            TableName="visits",
            KeyConditionExpression=f"profile_id = :who{condition}",
            ExpressionAttributeValues={":who": {"S": "ann"}, **(values or {})},
            **options,
        )

    return query


def days(response):
    return [item["sort_key"]["S"] for item in response["Items"]]


def test_query_returns_a_partition_in_sort_key_order(aws):
    query = visits(aws("dynamodb"), "2", "10", "~", "1", "ä")

    assert days(query()) == ["1", "10", "2", "~", "ä"]
    assert days(query(ScanIndexForward=False, ConsistentRead=True)) == ["ä", "~", "2", "10", "1"]


@pytest.mark.parametrize(
    ("condition", "values", "expected"),
    [
        (" AND sort_key >= :a", {":a": "2"}, ["2", "3"]),
        (" AND sort_key < :a", {":a": "2"}, ["1"]),
        (" AND sort_key BETWEEN :a AND :b", {":a": "11", ":b": "2"}, ["2"]),
        (" AND sort_key = :a", {":a": "4"}, []),
    ],
)
def test_query_returns_a_range_of_sort_keys(condition, values, expected, aws):
    query = visits(aws("dynamodb"), "1", "2", "3")

    assert days(query(condition, {name: {"S": value} for name, value in values.items()})) == expected


@pytest.mark.parametrize("forward", [True, False])
def test_query_continues_after_its_last_key(forward, aws):
    query = visits(aws("dynamodb"), "1", "2", "3")

    first = query(Limit=2, ScanIndexForward=forward)
    rest = query(ScanIndexForward=forward, ExclusiveStartKey=first["LastEvaluatedKey"])

    assert days(first) + days(rest) == (["1", "2", "3"] if forward else ["3", "2", "1"])
    assert "LastEvaluatedKey" not in rest


def test_query_returns_the_projected_attributes(aws):
    query = visits(aws("dynamodb"), "1")

    assert query(ProjectionExpression="sort_key, absent")["Items"] == [{"sort_key": {"S": "1"}}]
    assert query(ProjectionExpression="page")["Items"] == [{"page": {"S": "page 1"}}]
