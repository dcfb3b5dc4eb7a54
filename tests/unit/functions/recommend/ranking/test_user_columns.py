"""Columns of users: groups of users without a history, features of models. Globally, fig, pear and kiwi are popular."""

from typing import Any

import pytest

from alsolike.bundle.popular_groups import Group
from alsolike.catalogue.users import UserStore
from alsolike.runtime.errors import Unavailable
from functions.recommend.state.model import Model
from tests.unit.functions.recommend.shop import ARN

GROUPS = (
    Group("plan", "gold", 40, [2]),  # Position 2 is the plum.
    Group("likes", "tea", 30, [4, 2]),  # Positions 4 and 2 are kiwi and plum.
    Group("device", "phone", 20, [1]),  # Position 1 is the pear.
)
COLUMNS = {"plan": "string", "likes": "list"}


@pytest.fixture
def grouped(shop):
    shop.publish(groups=GROUPS)
    shop.configure(
        users={"columns": COLUMNS},
        items={"columns": {"price": "number"}},
        filters={"cheap": "INCLUDE ItemID WHERE Items.PRICE < 2"},
    )
    return shop


def test_unknown_user_gets_items_popular_in_the_users_group_first(grouped):
    grouped.register("anna", plan="gold")

    items, headers = grouped.ask()

    expected = {"plum": 1.0, "fig": 1 / 2, "pear": 1 / 3, "kiwi": 1 / 4}
    assert items == [{"itemId": item_id, "score": score} for item_id, score in expected.items()]
    assert (headers["x-alsolike-source"], headers["x-alsolike-popular-within"]) == ("popular", "plan")


def test_context_selects_a_group(grouped):
    assert grouped.items(userId="unknown-user", context={"LIKES": "tea"}, numResults=2) == ["kiwi", "plum"]
    assert grouped.items(userId="unknown-user", context={"DEVICE": "phone"}, numResults=2) == ["pear", "fig"]


@pytest.mark.parametrize("text", ["true", "True", "TRUE"])
def test_context_boolean_is_case_insensitive(shop, text):
    shop.publish(groups=[Group("trial", "true", 20, [2])])
    shop.configure(users={"columns": {"trial": "boolean"}})

    assert shop.items(userId="unknown-user", context={"TRIAL": text}, numResults=1) == ["plum"]


def test_group_without_passing_items_is_not_reported(grouped):
    grouped.register("anna", plan="gold")
    grouped.catalogue({"plum": {"price": 9}, "kiwi": {"price": 1}})

    items, headers = grouped.listed(filterArn=f"{ARN}:filter/cheap")

    assert items == ["kiwi"]
    assert "x-alsolike-popular-within" not in headers


def test_context_precedes_stored_properties(grouped):
    grouped.register("anna", likes="tea")

    assert grouped.items(context={"likes": "jazz"}, numResults=2) == ["fig", "pear"]


@pytest.mark.parametrize("context", [None, {}, {"DEVICE": "fridge"}])
def test_user_without_a_group_gets_globally_popular_items(grouped, context):
    items, headers = grouped.listed(context=context, numResults=2)

    assert items == ["fig", "pear"]
    assert "x-alsolike-popular-within" not in headers


def test_user_with_a_history_is_ranked_by_the_model(grouped):
    grouped.register("anna", plan="gold")
    grouped.remember("u#anna", "pear")

    items, headers = grouped.ask(numResults=1)

    assert items == [{"itemId": "fig", "score": 2.0}]
    assert "x-alsolike-popular-within" not in headers


def test_unreadable_user_gets_globally_popular_items(grouped, monkeypatch):
    def outage(*_, **__):
        raise Unavailable("the table is away")

    monkeypatch.setattr(UserStore, "get", outage)

    items, headers = grouped.ask(numResults=1)

    assert items[0]["itemId"] == "fig"
    assert headers["x-alsolike-degraded"] == "user-unavailable"


def test_users_are_not_read_for_a_model_without_groups_and_features(shop, monkeypatch):
    monkeypatch.setattr(UserStore, "get", None)
    shop.publish()

    assert shop.items(numResults=1) == ["fig"]

    shop.remember("u#anna", "pear")
    assert shop.items(numResults=1) == ["fig"]


def test_group_names_are_percent_encoded_in_headers(shop):
    shop.publish(groups=[Group("größe", "L", 20, [2])])
    shop.register("anna", größe="L")

    assert shop.ask()[1]["x-alsolike-popular-within"] == "gr%C3%B6%C3%9Fe"


@pytest.fixture
def fed(shop, monkeypatch):
    """Let the model read the user's plan, and return a list of the plans. The graph runs without this input."""
    run, inputs = Model._run, list[Any]()

    def spy(model, name, feed):
        others = dict(feed)
        inputs.append(others.pop("feature.user.plan").tolist())
        return run(model, name, others)

    monkeypatch.setattr(Model, "_run", spy)
    monkeypatch.setattr("functions.recommend.state.model.codes_of", lambda _: {"user.plan": {"gold": 1, "tin": 2}})
    shop.publish()
    shop.configure(users={"columns": {"plan": "string"}})
    shop.remember("u#anna", "pear")
    shop.remember("u#anna", "pear", before_ms=2000)
    return inputs


def test_user_column_is_a_feature_of_each_interaction(shop, fed):
    shop.register("anna", plan="tin")

    assert shop.items(numResults=1) == ["fig"]
    assert fed[-1] == [[2, 2]]


def test_promotion_candidates_are_ranked_with_user_features(shop, fed):
    shop.configure(
        users={"columns": {"plan": "string"}},
        items={"columns": {"title": "string"}},
        filters={"plums": 'INCLUDE ItemID WHERE Items.TITLE IN ("Plum")'},
        rules={"home": {"promotions": [{"filter": "plums", "share": 0.5}]}},
        recommenders={"for-you": {"rules": "home"}},
    )
    shop.catalogue({"fig": {"title": "Fig"}, "plum": {"title": "Plum"}})
    shop.register("anna", plan="tin")

    assert "plum" in shop.items(numResults=2)

    assert fed[-2:] == [[[2, 2]]] * 2


def test_request_context_precedes_stored_user_columns(shop, fed):
    shop.register("anna", plan="tin")

    shop.items(context={"PLAN": "gold"})

    assert fed[-1] == [[1, 1]]


def test_unreadable_user_has_unknown_feature_values(shop, fed, monkeypatch):
    def outage(*_, **__):
        raise Unavailable("the table is away")

    monkeypatch.setattr(UserStore, "get", outage)

    items, headers = shop.listed(numResults=1)

    assert items == ["fig"]
    assert fed[-1] == [[0, 0]]
    assert headers["x-alsolike-degraded"] == "user-unavailable"
