"""Lists with one variant per product."""

import orjson
import pytest

from functions.recommend.dependencies import current_dependencies
from tests.unit.functions.recommend.shop import ARN

CAMPAIGN = {"campaignArn": f"{ARN}:campaign/personalized-ranking"}
FRUIT = {"categoryL1": "fruit"}
FIGS = {"fig": {"title": "Fig,  1 lb", **FRUIT}, "plum": {"title": "fig, 1 LB", **FRUIT}, "kiwi": {"title": "Kiwi"}}


@pytest.fixture
def figs(stocked):
    """Return a shop whose model ranks two variants of a product first, the fig and then the plum."""
    stocked.remember("u#anna", "pear")
    stocked.catalogue(FIGS)
    return stocked


def request(recommender, **fields):
    return {"recommenderArn": f"{ARN}:recommender/{recommender}", **fields}


def test_variants_of_a_product_take_one_position(figs):
    assert figs.items(numResults=3) == ["fig", "pear", "kiwi"]


def test_variants_fill_a_list_that_would_be_too_short(figs):
    items, headers = figs.ask(numResults=4)

    assert [item["itemId"] for item in items] == ["fig", "pear", "kiwi", "plum"]
    assert [item["score"] for item in items] == sorted((item["score"] for item in items), reverse=True)
    assert headers["x-alsolike-filled"] == "3"


@pytest.mark.parametrize(("ranked", "candidates"), [(["fig", "plum", "kiwi"], 3 / 2), (["pear", "kiwi"], 1), ([], 1)])
def test_candidates_per_position_depend_on_variants_in_model_lists(figs, ranked, candidates):
    state = current_dependencies().refresher.state(now_ms=0, remaining_ms=lambda: 10_000)
    assert state.model is not None

    state.model.__dict__["ranked_sample"] = state.catalogue.positions(ranked).tolist()

    assert state.catalogue.candidates_per_place == candidates


def test_variants_have_separate_positions_if_disabled(figs):
    figs.configure(items={"variants": None})

    assert figs.items(numResults=3) == ["fig", "plum", "pear"]


def test_variants_can_be_defined_by_a_column(figs):
    figs.configure(items={"variants": "GROUP_ID"})
    figs.catalogue({item_id: {**FIGS.get(item_id, {}), "groupId": group} for item_id, group in
                    {"fig": 1, "plum": 2, "pear": 2, "kiwi": 1}.items()}, at_ms=10**13)  # fmt: skip

    assert figs.items(numResults=2) == ["fig", "plum"]


def test_same_title_in_another_category_is_another_product(figs):
    assert figs.items(numResults=2) == ["fig", "pear"]

    figs.catalogue({"plum": {"title": "Fig, 1 lb", "categoryL1": "fruit", "categoryL2": "dried"}}, at_ms=10**13)

    assert figs.items(numResults=2) == ["fig", "plum"]


def test_personalized_ranking_keeps_all_variants(figs):
    body = {**CAMPAIGN, "userId": "anna", "inputList": ["kiwi", "plum", "fig"]}
    answer = figs.post(body, route="POST /personalize-ranking")

    assert [item["itemId"] for item in orjson.loads(answer["body"])["personalizedRanking"]] == ["fig", "plum", "kiwi"]


def test_similar_items_have_one_variant_per_product(figs):
    answer = figs.items(**request("similar-items", userId=None, itemId="pear", numResults=2))

    assert answer == ["kiwi", "fig"]


def test_variants_of_an_item_are_not_bought_together_with_it(stocked):
    pear = {"title": "Pear", **FRUIT}
    stocked.catalogue({"pear": pear, "plum": pear, "kiwi": {"title": "Kiwi", **FRUIT}})

    answer = stocked.items(**request("bought-together", userId=None, itemId="pear", numResults=2))

    assert answer == ["kiwi", "fig"]


def test_rules_place_one_variant_per_product(figs):
    figs.configure(
        items={"columns": {"title": "string"}},
        rules={"home": {"pins": [{"item": "plum", "position": 1}]}},
        recommenders={"for-you": {"rules": "home"}},
    )

    assert figs.items(numResults=3) == ["plum", "pear", "kiwi"]
    assert figs.items(numResults=4) == ["plum", "pear", "kiwi", "fig"]


def test_boosted_variant_takes_the_position_of_its_product(figs):
    figs.configure(
        items={"columns": {"title": "string"}},
        filters={"boosted": 'INCLUDE ItemID WHERE Items.TITLE IN ("fig, 1 LB")'},
        rules={"home": {"boosts": [{"filter": "boosted", "factor": 5}]}},
        recommenders={"for-you": {"rules": "home"}},
    )

    assert figs.items(numResults=3) == ["plum", "pear", "kiwi"]
