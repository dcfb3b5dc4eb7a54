"""Any valid rule set on any catalogue. The response names all unmet rules."""

import math
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alsolike.catalogue.changes import Change
from alsolike.configuration.configuration import ColumnType
from alsolike.configuration.rules import promoted_places
from alsolike.configuration_document.document import parse
from alsolike.privacy.pseudonyms import PLAIN_IDS
from alsolike.profiles.profile import Profile, RecentInteraction
from alsolike.runtime.polling import PolledValue, Polling
from alsolike.snapshot.segment import Segment
from alsolike.snapshot.snapshot import Snapshot
from alsolike.trends.counters import NO_TRENDS
from functions.recommend.http.request import RecommendationRequest
from functions.recommend.service import Recommender
from functions.recommend.state.catalogue import ModelCatalogue
from functions.recommend.state.model import Model
from functions.recommend.state.serving_state import ServingState
from functions.recommend.state.stores import UserStores
from tests.builders.bundles import write_bundle
from tests.builders.lambda_events import NOW_MS

ITEMS = [f"i{number}" for number in range(12)]
COLUMNS = {
    "brand": ColumnType.STRING, "tags": ColumnType.LIST, "price": ColumnType.NUMBER,
    "creationTimestamp": ColumnType.TIMESTAMP,
}  # fmt: skip
FILTERS = {
    "red": 'INCLUDE ItemID WHERE Items.BRAND = "red"',
    "cheap": "INCLUDE ItemID WHERE Items.PRICE < 5",
    "unseen": 'EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("view")',
}
VALUES = st.sampled_from(["red", "green", "blue"])
NAMES = st.sampled_from(sorted(FILTERS))
CATALOGUES = st.fixed_dictionaries(
    {
        item_id: st.none()
        | st.fixed_dictionaries(
            {},
            optional={
                "brand": VALUES,
                "tags": st.lists(VALUES, max_size=2),
                "price": st.integers(1, 9),
                "creationTimestamp": st.integers(1, 20).map(lambda days: NOW_MS / 1000 - days * 86_400),
            },
        )
        for item_id in ITEMS
    }
)


def parts_of(**parts):
    return st.fixed_dictionaries({}, optional=parts)


RULES = parts_of(
    promotions=st.lists(
        st.fixed_dictionaries({"filter": NAMES, "share": st.floats(0.1, 0.45)}),
        max_size=2,
        unique_by=lambda each: each["filter"],
    ),
    boosts=st.lists(st.fixed_dictionaries({"filter": NAMES, "factor": st.floats(1.1, 50)}), max_size=2),
    demotions=st.lists(st.fixed_dictionaries({"filter": NAMES, "factor": st.floats(0.01, 0.9)}), max_size=2),
    pins=st.lists(
        st.fixed_dictionaries({"item": st.sampled_from([*ITEMS, "nobody"]), "position": st.integers(1, 8)}),
        max_size=3,
        unique_by=(lambda pin: pin["item"], lambda pin: pin["position"]),
    ),
    slate=st.lists(
        st.fixed_dictionaries({"column": st.sampled_from(["brand", "tags"]), "at_most": st.integers(1, 3)})
        | st.fixed_dictionaries({"column": st.just("price"), "spread": st.floats(1, 4)}),
        max_size=3,
        unique_by=lambda rule: rule["column"],
    ),
    diversity=st.fixed_dictionaries({"dial": st.floats(0.1, 1), "columns": st.just(["tags", "brand"])}),
    exploration=st.fixed_dictionaries({"share": st.floats(0.1, 1), "new_for_days": st.integers(1, 20)}),
)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """Return a model with the first nine items, which ranks i1 to i5 after i0."""
    directory = tmp_path_factory.mktemp("bundle") / "v1"
    scores = {("i0", f"i{number}"): float(10 - number) for number in range(1, 6)}
    write_bundle(directory, item_ids=ITEMS[:9], transitions=scores, popular=ITEMS[3:7])
    return Model(directory)


class Profiles:
    def read(self, profile_id, /, *, length):
        return Profile(profile_id, (RecentInteraction(NOW_MS - 1, "e", "i0", "view"),))


PEOPLE = UserStores(PLAIN_IDS, Profiles(), SimpleNamespace())  # type: ignore[arg-type]


def answer(model, catalogue, rules, request):
    configuration = parse(
        {
            "format": 1,
            "items": {"columns": {name: kind.value for name, kind in COLUMNS.items()}},
            "filters": FILTERS,
            "rules": {"r": rules},
            "recommenders": {name: {"rules": "r"} for name in ("for-you", "popular", "similar-items")},
        }
    )
    changes = [Change(item_id, 1, properties) for item_id, properties in catalogue.items()]
    snapshot = Snapshot([Segment.of(changes, COLUMNS)], version="1")
    state = ServingState(model, ModelCatalogue(snapshot, model.bundle, configuration), configuration)
    trends = PolledValue(lambda _: NO_TRENDS, name="trends", polling=Polling(math.inf))
    found = Recommender(state, PEOPLE, trends, NOW_MS).answer(request)
    return found, configuration.rules["r"]


def passing(name, catalogue):
    """Return the items that pass a filter, evaluated in plain Python."""
    tests = {
        "red": lambda _, properties: properties.get("brand") == "red",
        "cheap": lambda _, properties: properties.get("price", 9) < 5,
        "unseen": lambda item_id, _: item_id != "i0",
    }
    return {item_id for item_id, has in catalogue.items() if has is not None and tests[name](item_id, has)}


def faults(answered, rules, request, catalogue):
    items = [item.item_id for item in answered.items]
    if len(set(items)) < len(items) or len(items) > request.num_results:
        yield "wrong length"
    if gone := [item_id for item_id in items if catalogue[item_id] is None or item_id in request.exclude]:
        yield f"deleted or excluded {gone}"
    for pin in rules.pins:
        if items[pin.position - 1 : pin.position] != [pin.item_id]:
            yield f"pin:{pin.item_id}"
    places = promoted_places([promotion.share for promotion in rules.promotions], request.num_results)
    for promotion, count in zip(rules.promotions, places, strict=True):
        own = passing(promotion.filter, catalogue)
        named = {item.item_id for item in answered.items if item.origin == f"promoted:{promotion.called}"}
        if len(named) > count or not named <= own:
            yield "wrongly promoted"
        if len(own.intersection(items)) < count:
            yield f"promotion:{promotion.called}"
    for item in answered.items:
        if item.origin == "explored" and not is_new(catalogue[item.item_id], rules):
            yield "explored what is not new"
        if (item.propensity is not None) != (rules.exploration is not None and item.origin in CHANCE):
            yield "chance"
    for rule in rules.slate:
        has = [(catalogue[item_id] or {}).get(rule.column) for item_id in items]
        values = [value for each in has if each for value in (set(each) if isinstance(each, list) else [each])]
        if rule.at_most is not None:
            broken = any(values.count(value) > rule.at_most for value in values)
        else:
            assert rule.spread is not None
            broken = bool(values) and max(values) > rule.spread * min(values)
        if broken:
            yield f"slate:{rule.column}"


CHANCE = ("ranked", "filled", "explored")


def is_new(properties, rules):
    assert rules.exploration is not None
    created_s = (properties or {}).get("creationTimestamp", 0)
    return bool(created_s >= NOW_MS / 1000 - rules.exploration.new_for_days * 86_400)


@settings(max_examples=60, deadline=None)
@given(
    catalogue=CATALOGUES,
    rules=RULES,
    recommender=st.sampled_from(["for-you", "popular", "similar-items"]),
    k=st.integers(1, 8),
    exclude=st.lists(st.sampled_from(ITEMS), max_size=2, unique=True),
)
def test_response_keeps_the_rules_or_names_broken_ones(model, catalogue, rules, recommender, k, exclude):
    request = RecommendationRequest("anna", k, recommender, item_id="i1", exclude=tuple(exclude))

    answered, applied = answer(model, catalogue, rules, request)

    gave = {each.partition(" ")[0] for each in answered.unmet_rules}
    assert set(faults(answered, applied, request, catalogue)) <= gave
    assert answered.rules == ("r" if any(rules.values()) else None)
