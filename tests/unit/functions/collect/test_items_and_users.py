import orjson
import pytest

from tests.builders.lambda_events import NOW_MS
from tests.unit.functions.collect.events import ARN

STRANGE_IDS = ["a/b", "../b", "50%", "%2F", "a?b#c", "ü", "😀" * 256, "~x", "..", "a b", "a+b"]


def put_items(collect, *items):
    return collect("POST /items", {"datasetArn": f"{ARN}/ITEMS", "items": list(items)})


def stored(aws, table, key):
    rows = aws("dynamodb").scan(TableName=table)["Items"]
    return {row[key]["S"]: orjson.loads(row["properties"]["S"]) for row in rows if "properties" in row}


def test_items_are_stored_in_the_catalogue(collect, aws, catalogue_table, counted):
    answer = put_items(collect, {"itemId": "pear", "properties": '{"title": "Pear", "price": 0.5}'}, {"itemId": "plum"})

    assert (answer["statusCode"], answer["document"]) == (200, {})
    assert stored(aws, catalogue_table, "item_id") == {"pear": {"title": "Pear", "price": 0.5}, "plum": {}}
    assert counted() == {"ItemsAccepted": 2}


def test_users_are_stored_in_the_users_table(collect, aws, users_table, counted):
    users = [{"userId": "anna", "properties": '{"membership": "gold"}'}]

    answer = collect("POST /users", {"datasetArn": f"{ARN}/USERS", "users": users})

    assert (answer["statusCode"], answer["document"]) == (200, {})
    assert stored(aws, users_table, "user_id") == {"anna": {"membership": "gold"}}
    assert counted() == {"UsersAccepted": 1}


def test_invalid_items_are_rejected_individually(collect, aws, catalogue_table, counted, configure):
    configure({"items": {"columns": {"price": "number"}}})

    answer = put_items(
        collect,
        {"itemId": "pear", "properties": {"price": 1}},
        {"itemId": "plum", "properties": {"price": "1"}},
        {"itemId": "fig", "properties": "{"},
    )

    assert answer["statusCode"] == 400
    first, second = answer["document"]["message"].split("; ")
    assert first.startswith("items[1].properties.price ")
    assert second.startswith("items[2].properties ")
    assert second.endswith("(1 of 3 items stored)")
    assert stored(aws, catalogue_table, "item_id") == {"pear": {"price": 1}}
    assert counted() == {"ItemsAccepted": 1, "RequestsRejected": 1}


@pytest.mark.parametrize(
    ("route", "body"),
    [
        ("POST /items", {"datasetArn": "other", "items": [{"itemId": "a"}]}),
        ("POST /users", {"datasetArn": f"{ARN}/ITEMS", "users": [{"userId": "a"}]}),
        ("POST /actions", {"datasetArn": f"{ARN}/ITEMS", "actions": [{"actionId": "app"}]}),
    ],
)
def test_call_for_another_dataset_returns_404(collect, route, body):
    answer = collect(route, body)

    assert (answer["statusCode"], answer["headers"]["x-amzn-errortype"]) == (404, "ResourceNotFoundException")


def test_item_can_be_read_changed_and_deleted(collect, counted):
    put_items(collect, {"itemId": "pear", "properties": {"price": 1, "colour": "green"}})
    pear = {"path": {"itemId": "pear"}}

    shown = collect("GET /items/{itemId}", **pear)
    changed = collect("PATCH /items/{itemId}", {"price": 2, "colour": None}, **pear)
    deleted = collect("DELETE /items/{itemId}", **pear)
    gone = [collect(f"{method} /items/{{itemId}}", {"price": 3}, **pear) for method in ("GET", "PATCH", "DELETE")]

    assert (shown["statusCode"], changed["statusCode"], deleted["statusCode"]) == (200, 200, 200)
    properties = {"price": 1, "colour": "green"}
    assert shown["document"] == {"itemId": "pear", "properties": properties, "updatedAt": NOW_MS / 1000}
    assert changed["document"] == {"itemId": "pear", "properties": {"price": 2}, "updatedAt": (NOW_MS + 1) / 1000}
    assert deleted["document"] == {}
    assert [answer["statusCode"] for answer in gone] == [404, 404, 404]
    assert {answer["document"]["message"] for answer in gone} == {"there is no item 'pear'"}
    assert counted() == {"ItemsAccepted": 3, "RequestsRejected": 3}


def test_user_can_be_read_and_changed(collect):
    collect("POST /users", {"datasetArn": f"{ARN}/USERS", "users": [{"userId": "anna"}]})

    changed = collect("PATCH /users/{userId}", {"age": 7}, path={"userId": "anna"})

    assert changed["document"]["properties"] == {"age": 7}
    assert collect("GET /users/{userId}", path={"userId": "anna"})["document"] == changed["document"]
    assert collect("GET /users")["document"] == {"users": [changed["document"]]}


def test_change_to_another_type_is_refused_with_the_column_name(collect, configure):
    configure({"items": {"columns": {"price": "number"}}})

    answer = collect("PATCH /items/{itemId}", {"price": "dear"}, path={"itemId": "pear"})

    assert (answer["statusCode"], answer["document"]["message"]) == (400, 'price is "dear", expected a number')


def test_items_with_any_id_are_listed_once(collect):
    for item_id in STRANGE_IDS:
        put_items(collect, {"itemId": item_id})

    first = collect("GET /items", query={"limit": "4"})["document"]
    rest = collect("GET /items", query={"limit": "100", "nextToken": first["nextToken"]})["document"]

    assert (len(first["items"]), rest.keys()) == (4, {"items"})
    assert sorted(item["itemId"] for item in [*first["items"], *rest["items"]]) == sorted(STRANGE_IDS)


def test_missing_table_returns_503(collect, aws, catalogue_table):
    aws("dynamodb").delete_table(TableName=catalogue_table)

    answers = [
        put_items(collect, {"itemId": "pear"}),
        collect("GET /items"),
        collect("PATCH /items/{itemId}", {"price": 1}, path={"itemId": "pear"}),
    ]

    assert [answer["statusCode"] for answer in answers] == [503, 503, 503]
