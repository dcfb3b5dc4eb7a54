"""Models that read columns of users."""

from typing import Any

import pytest

from alsolike.catalogue.users import UserStore
from alsolike.runtime.errors import Unavailable
from functions.recommend.state.model import Model


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
