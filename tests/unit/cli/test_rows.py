import dataclasses
import json

import pytest

from alsolike.runtime.errors import InvalidInput, NotFound
from operations.client import deployment as deployments
from operations.client.deployment import Deployment
from tests.unit.cli.command_line import run, run_json
from tests.unit.cli.endpoints import serving
from tests.unit.cli.shop import KEY, NAMES

ROW = {"itemId": "sku/7", "properties": {"price": 0.59, "tags": ["a"]}, "updatedAt": 1_764_032_400.5}


@pytest.fixture
def server(monkeypatch):
    with serving() as endpoints:
        names = dataclasses.replace(NAMES, api_url=endpoints.url)
        shop = Deployment("shop", names, lambda service: None, lambda: KEY, is_local=False)
        monkeypatch.setattr(deployments, "resolve", lambda **_: shop)
        yield endpoints


def test_row_with_any_id_is_shown(server):
    server.answers["/items/~c2t1Lzc"] = 200, {}, ROW

    table = run("items", "show", "sku/7").stdout

    assert "sku/7" in table
    assert "0.59" in table
    assert run_json("items", "show", "sku/7") == ROW
    assert (server.methods, server.requests[0]) == (["GET", "GET"], ("/items/~c2t1Lzc", KEY.key_id, ""))


def test_columns_are_set_as_json_or_string(server):
    server.answers["/users/anna"] = 200, {}, {"userId": "anna", "properties": {"age": 7}, "updatedAt": 1}

    row = run_json("users", "set", "anna", "age=7", "name=Anna = A", "old=null", 'tags=["a"]')

    assert row["properties"] == {"age": 7}
    assert server.methods == ["PATCH"]
    assert json.loads(server.requests[0][2]) == {"age": 7, "name": "Anna = A", "old": None, "tags": ["a"]}


def test_invalid_change_is_refused_before_any_request(server):
    with pytest.raises(InvalidInput, match="'price' is not a change, expected COLUMN=VALUE"):
        run("items", "set", "a", "price")

    assert server.requests == []


def test_item_is_deleted(server):
    server.answers["/items/a"] = 200, {}, {}

    assert run("items", "delete", "a").stderr == "deleted a\n"
    assert server.methods == ["DELETE"]


def test_pages_are_read_up_to_the_limit(server):
    def rows(*numbers):
        return [{**ROW, "itemId": f"i{number}"} for number in numbers]

    server.answers["/items?limit=5"] = 200, {}, {"items": rows(1, 2), "nextToken": "a+b="}
    server.answers["/items?limit=3&nextToken=a%2Bb%3D"] = 200, {}, {"items": rows(3)}

    listed = run_json("items", "list", "--limit", "5")

    assert [row["itemId"] for row in listed] == ["i1", "i2", "i3"]
    assert "2025-11-25 01:00:00" in run("items", "list", "--limit", "5").stdout


def test_set_creates_a_missing_item(server):
    server.answers["/items"] = 200, {}, {}
    server.answers["/items/fig"] = 404, {}, {"message": "there is no item 'fig'"}

    with pytest.raises(NotFound):  # The stand-in still has no item after the call.
        run("items", "set", "fig", "price=2", "old=null")

    assert server.methods == ["PATCH", "POST", "GET"]
    assert json.loads(server.requests[1][2]) == {
        "datasetArn": NAMES.items_dataset_arn,
        "items": [{"itemId": "fig", "properties": {"price": 2}}],
    }
