"""Lists that satisfy the rules, compared with handwritten lists, and unmet rules."""

import itertools
from collections import Counter

import pytest

from alsolike.configuration.rules import Diversity, SlateRule
from functions.recommend.rules.mmr import values
from functions.recommend.rules.slate import Pinned, Promoted, Slate, SlateInputs, compose
from functions.recommend.scored_item import ScoredItem

BRANDS = {"a": "x", "b": "x", "c": "x", "d": "y", "e": "z"}


class Chance:
    """Random source that returns the given numbers, then 0.999, and always draws the integer `drawn`."""

    def __init__(self, *numbers, drawn=0):
        self._numbers = iter(numbers)
        self._drawn = drawn

    def random(self):
        return next(self._numbers, 0.999)

    def randrange(self, stop, /):
        assert self._drawn < stop
        return self._drawn


def ranked(ids, **scores):
    return [ScoredItem(ord(item_id), scores.get(item_id, 1 / place)) for place, item_id in enumerate(ids, start=1)]


def made(ids, *, k=5, of=BRANDS, column="brand", chance=None, **rules):
    candidates = ranked(ids) if isinstance(ids, str) else ids
    return compose(
        candidates,
        SlateInputs(**rules),
        k=k,
        columns=lambda position: {column: of[chr(position)]} if chr(position) in of else {},
        random=chance or Chance(),
    )


def pin(item_id, place, *, refusal=None):
    return Pinned(ord(item_id), item_id, place, refusal=refusal)


def ids(slate):
    return "".join(chr(place.position) for place in slate.items)


def test_promoted_item_is_not_a_variant_of_a_listed_item():
    products = {ord(item_id): ord(item_id.lower()) for item_id in "aAbcB"}
    inputs = SlateInputs(promotions=[Promoted("sale", 1, ranked("AB"))], products=products)

    slate = compose(ranked("abc"), inputs, k=3, columns=lambda _: {}, random=Chance())

    assert ids(slate) == "aBc"


def test_slate_without_rules_equals_the_ranking():
    slate = made("abcde", k=3)

    assert slate == Slate(
        [
            ScoredItem(ord("a"), 1.0, "ranked"),
            ScoredItem(ord("b"), 0.5, "ranked"),
            ScoredItem(ord("c"), 1 / 3, "ranked"),
        ],
        (),
    )


def test_pin_is_at_its_position_whether_ranked_or_not():
    slate = made("abc", k=4, pins=[pin("c", 1), pin("n", 3)])

    assert ids(slate) == "c" + "a" + "n" + "b"
    assert [place.origin for place in slate.items] == ["pinned", "ranked", "pinned", "ranked"]
    assert slate.unmet_rules == ()


@pytest.mark.parametrize(
    ("ranked_ids", "k", "pins", "listed", "unmet"),
    [
        ("abc", 3, [pin("p", 2, refusal="filtered")], "abc", ("pin:p filtered",)),
        ("abc", 3, [pin("p", 4)], "abc", ("pin:p past-end",)),
        ("abc", 3, [pin("p", 3)], "abp", ()),
        ("a", 5, [pin("p", 5)], "ap", ("pin:p moved",)),
        ("a", 5, [pin("p", 2)], "ap", ()),
        ("a", 5, [pin("p", 1)], "pa", ()),
        ("a", 5, [pin("a", 3, refusal="filtered")], "a", ("pin:a filtered",)),
        ("a", 5, [pin("a", 6)], "a", ("pin:a past-end",)),
        ("a", 5, [pin("p", 3), pin("q", 5)], "apq", ("pin:p moved", "pin:q moved")),
    ],
)
def test_pin_at_another_position_or_without_one_is_reported(ranked_ids, k, pins, listed, unmet):
    slate = made(ranked_ids, k=k, pins=pins)

    assert (ids(slate), slate.unmet_rules) == (listed, unmet)


def test_pin_without_a_score_has_score_0():
    assert made("", k=1, pins=[pin("p", 1)]).items == [ScoredItem(ord("p"), 0.0, "pinned")]


@pytest.mark.parametrize(
    ("ranked_ids", "k", "promotions", "pins", "listed", "unmet"),
    [
        ("", 6, [("m", 4, "abcd"), ("n", 2, "xy")], [], "axbcyd", ()),
        # m has two of three positions, so n has one. Sorting by (turn + 0.5) / count puts n in the middle.
        ("", 3, [("m", 2, "ab"), ("n", 2, "xy")], [], "axb", ("promotion:n starved",)),
        ("abc", 3, [("sale", 2, "z")], [], "zab", ("promotion:sale starved",)),
        ("a", 2, [("sale", 1, "z")], [], "az", ()),
        ("abc", 2, [("sale", 2, "yz")], [pin("p", 1)], "py", ("promotion:sale starved",)),
    ],
    ids=["two promotions", "too few positions", "too few items", "as many items as positions", "pin"],
)
def test_promotions_share_the_positions_without_pins(ranked_ids, k, promotions, pins, listed, unmet):
    promoted = [Promoted(name, places, ranked(items)) for name, places, items in promotions]

    slate = made(ranked_ids, k=k, promotions=promoted, pins=pins)

    assert (ids(slate), slate.unmet_rules) == (listed, unmet)


def test_promoted_positions_are_spread_over_positions_without_pins():
    """The third and the eighth of ten free positions are in the middle of each half."""
    slate = made("abcdefghij", k=10, promotions=[Promoted("sale", 2, ranked("jh"))])
    with_pin = made("abcdefghij", k=10, promotions=[Promoted("sale", 2, ranked("jh"))], pins=[pin("i", 1)])

    assert ids(slate) == "abjcdefhgi"
    assert [place for place, item in enumerate(slate.items) if item.origin == "promoted:sale"] == [2, 7]
    assert ids(with_pin) == "iabjcdehfg"
    assert [place for place, item in enumerate(with_pin.items) if item.origin == "promoted:sale"] == [3, 7]


def test_promoted_item_ranked_before_its_position_keeps_its_rank():
    """At its two places, the promotion adds x and y.

    If only x is left, the promotion is still fulfilled, because a and x are in the list.
    """
    slate = made("abcd", k=4, promotions=[Promoted("sale", 2, ranked("axy"))])
    kept = made("abcd", k=4, promotions=[Promoted("sale", 2, ranked("ax"))])

    assert ids(slate) == "axby"
    assert (ids(kept), kept.unmet_rules) == ("axbc", ())
    assert [place.origin for place in kept.items] == ["ranked", "promoted:sale", "ranked", "ranked"]


TAGS = {"a": ["m", "n"], "b": ["n", "o"], "c": ["o"], "d": [], "e": ["m", "m"]}


@pytest.mark.parametrize(
    ("ranked_ids", "k", "values", "rule", "pins", "listed", "unmet"),
    [
        ("abcde", 5, TAGS, SlateRule("tags", at_most=1), "", "acd", "slate:tags starved"),
        ("abdc", 4, {"a": ["m", "n"], "b": ["n"], "c": ["m"], "d": ["n"]}, SlateRule("tags", at_most=2), "", "abc",
         "slate:tags starved"),
        ("abd", 2, BRANDS, SlateRule("brand", at_most=1), "", "ad", None),
        ("cde", 4, BRANDS, SlateRule("brand", at_most=1), "ab", "abde", "slate:brand pinned"),
        # 9 and 8 are more than twice 4, but 4 is not more than twice 2.
        ("abcdef", 5, {"a": 4, "b": 9, "c": 2, "d": 8, "e": 0, "f": True}, SlateRule("price", spread=2), "", "acef",
         "slate:price starved"),
        ("dc", 3, {"a": 1, "b": 10, "c": 5, "d": 11}, SlateRule("price", spread=2), "ab", "abc", "slate:price pinned"),
    ],
    ids=["every value counts", "value counts once per item", "rule kept by a full list", "limit broken by pins",
         "only positive prices count",
         "item inside a spread broken by pins"],
)  # fmt: skip
def test_slate_rule_limits_ranked_items_and_not_pins(ranked_ids, k, values, rule, pins, listed, unmet):
    placed = [pin(item_id, place) for place, item_id in enumerate(pins, start=1)]

    slate = made(ranked_ids, k=k, of=values, column=rule.column, slate=[rule], pins=placed)

    assert (ids(slate), slate.unmet_rules) == (listed, () if unmet is None else (unmet,))


def test_slate_rule_counts_and_limits_promoted_items():
    """The promotion's first item and the first three items of the ranking have the brand x, like the pinned item."""
    rules = [SlateRule("brand", at_most=1)]

    slate = made("abcde", k=3, slate=rules, promotions=[Promoted("p", 1, ranked("ae"))], pins=[pin("b", 1)])

    assert [(chr(place.position), place.origin) for place in slate.items] == [
        ("b", "pinned"),
        ("d", "ranked"),
        ("e", "promoted:p"),
    ]
    assert slate.unmet_rules == ()


@pytest.mark.parametrize(("dial", "listed"), [(0.5, "adeb"), (0.01, "abde")])
def test_diversity_is_maximal_marginal_relevance(dial, listed):
    """With diversity 0.5, after a, b has the value 0.5 * 0.9 - 0.5 * 1 = -0.05, and d has 0.5 * 0.4 = 0.2.

    Then e with 0.15 exceeds b.
    """
    assert ids(made(ranked("abde", a=10, b=9, d=4, e=3), k=4, diversity=Diversity(dial, ("brand",)))) == listed


def test_item_ranked_last_by_diversity_stays_in_a_long_list():
    assert ids(made("abd", pins=[pin("b", 1)], diversity=Diversity(0.9, ("brand",)))) == "bda"


def test_diversity_similarity_is_the_mean_jaccard_index_of_columns():
    """After a, b shares one of three tags and c both. So b with 0.5 * (0.9 - 1/3) exceeds c with 0.5 * (1 - 1)."""
    tags = {"a": ["m", "n"], "b": ["n", "o"], "c": ["n", "m"]}

    slate = made(ranked("acb", a=10, c=10, b=9), k=3, of=tags, column="tags", diversity=Diversity(0.5, ("tags",)))

    assert ids(slate) == "abc"


def test_explored_item_has_its_propensity():
    chance = Chance(0.9, 0.1, drawn=1)  # The second position is explored, but not the first one.

    slate = made("ab", k=2, chance=chance, explored_share=0.2, new_items=ranked("bmn"))

    assert [(chr(place.position), place.origin) for place in slate.items] == [("a", "ranked"), ("m", "explored")]
    assert [place.propensity for place in slate.items] == [pytest.approx(0.8), pytest.approx(0.2 / 3)]
    assert slate.unmet_rules == ()


def test_propensity_of_a_greedy_new_item_is_the_sum_of_both_chances():
    slate = made("ab", k=1, explored_share=0.3, new_items=ranked("am"))

    assert slate.items[0].propensity == pytest.approx(0.7 + 0.3 / 2)


def test_exploration_without_new_items_is_reported_as_unmet():
    slate = made("ab", k=2, explored_share=0.5, new_items=ranked("a"), chance=Chance(0.9))

    assert [place.propensity for place in slate.items] == [1.0, 1.0]
    assert slate.unmet_rules == ("exploration starved",)


def test_pins_and_promotions_are_not_explored():
    slate = made(
        "ab", k=3, chance=Chance(0.0, 0.0, 0.0), pins=[pin("p", 1)], promotions=[Promoted("s", 1, ranked("q"))],
        explored_share=0.5, new_items=ranked("nm"),
    )  # fmt: skip

    assert [(place.origin, place.propensity) for place in slate.items] == [
        ("pinned", None),
        ("explored", 0.25),
        ("promoted:s", None),
    ]


@pytest.mark.parametrize(
    ("values", "rule"),
    [
        (BRANDS, SlateRule("brand", at_most=1)),
        ({"a": 4, "b": 9, "d": 5}, SlateRule("brand", spread=2)),
        ({"p": 5, "a": 4, "b": 9, "d": 5}, SlateRule("brand", spread=2)),
    ],
)
def test_new_items_excluded_by_a_ranked_item_are_not_explored(values, rule):
    """The first place has the ranked item a, and the second one is explored. The items b and d are new."""
    pins = [pin("p", 1)] if "p" in values else []
    chance = Chance(0.9, 0.0)

    slate = made(
        "ae", k=2 + len(pins), of=values, slate=[rule], pins=pins, explored_share=0.5, new_items=ranked("bd"),
        chance=chance,
    )  # fmt: skip

    assert ids(slate)[-2:] == "ad"


def test_new_items_excluded_by_pin_and_slate_rule_are_not_explored():
    """The pinned a is the one item of brand x that the rule permits, so the new item b is not explored."""
    slate = made(
        "d", k=2, slate=[SlateRule("brand", at_most=1)], pins=[pin("a", 1)], explored_share=1.0, new_items=ranked("be")
    )

    assert ids(slate) == "ae"


@pytest.mark.parametrize(
    ("share", "drawn", "expected"),
    [(1.0, 0.999, ("n", "explored", 1.0)), (0.5, 0.5, ("a", "ranked", 0.5)), (0.0, 0.0, ("a", "ranked", None))],
)
def test_exploration_share_1_draws_and_share_0_keeps_the_ranking(share, drawn, expected):
    (item,) = made("ab", k=1, explored_share=share, new_items=ranked("n"), chance=Chance(drawn)).items

    assert (chr(item.position), item.origin, item.propensity) == expected


class ChosenPath:
    """Random source that follows one path through a tree of choices and computes the path's probability."""

    def __init__(self, way, share):
        self._way = iter(way)
        self._share = share
        self.probability = 1.0

    def random(self):
        explores = next(self._way) == 1
        self.probability *= self._share if explores else 1 - self._share
        return 0.0 if explores else 0.999999

    def randrange(self, stop, /):
        drawn = next(self._way)
        if drawn >= stop:
            self.probability = 0.0
            return 0
        self.probability /= stop
        return drawn


def test_propensities_equal_the_probabilities_of_all_paths():
    """The probability of a list, summed over all paths of choices, equals the product of its propensities."""
    share = 0.4
    rules = [SlateRule("brand", at_most=2)]
    lists: Counter[str] = Counter()
    propensities: dict[str, float] = {}
    moves = [(0,), *((1, drawn) for drawn in range(4))]
    for steps in itertools.product(moves, repeat=3):
        selected = ChosenPath([*itertools.chain(*steps), *[0] * 9], share)
        slate = made("abde", k=3, chance=selected, explored_share=share, new_items=ranked("bcmn"), slate=rules)
        if selected.probability:
            lists[ids(slate)] += selected.probability  # type: ignore[assignment]
            product = 1.0
            for place in slate.items:
                assert place.propensity is not None
                product *= place.propensity
            propensities[ids(slate)] = product

    assert sum(lists.values()) == pytest.approx(1.0)
    assert dict(lists) == pytest.approx(propensities)


@pytest.mark.parametrize(
    ("value", "counted"),
    [("x", {"x"}), (["x", "y", 3], {"x", "y"}), (True, {"true"}), (False, {"false"}), (3, set()), (None, set())],
)
def test_values_of_a_column_are_its_strings_and_booleans(value, counted):
    assert values(value) == counted
