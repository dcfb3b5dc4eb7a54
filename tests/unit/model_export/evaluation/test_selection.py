import dataclasses
import functools
from typing import ClassVar

import numpy as np
import pytest

from alsolike.runtime.errors import InvalidInput
from model_export.algorithms import known
from model_export.algorithms.blend import Blend, BlendModel, ndcg_of
from model_export.algorithms.buy_again import BuyAgain
from model_export.algorithms.distilled import Distilled
from model_export.algorithms.item_knn import ItemKnn
from model_export.algorithms.transitions import Transitions
from model_export.api import Algorithm
from model_export.data.interactions import Interactions
from model_export.evaluation import selection, splits
from model_export.evaluation.fit_cache import Fits, fitted_at_cost
from model_export.evaluation.ranking import Quality, evaluate
from model_export.evaluation.resource_budget import SHORT_FIT_ROWS, Budget
from model_export.evaluation.selection import MIN_CHANGED_USERS, Candidate, Comparison, choose, selection_reason
from model_export.evaluation.weighted_scores import WeightedScores
from tests.unit.model_export.shops import interactions, random_sequences


def quiet(line):
    """Print nothing."""


def compare(split, algorithms, fits=None):
    comparison = Comparison(split, k=3, seen="masked", fits=fits or Fits(), say=quiet)
    return {candidate.settings.name: candidate for candidate in comparison.candidates(algorithms)}


def shop():
    return interactions(random_sequences(users=40, items=25, length=12), items=25)


def test_frequent_next_item_is_a_hit_and_an_unknown_one_is_not():
    # The first history ends with 5, which 6 follows. The second ends with 6, which no item follows, so 7, 8 and 9 tie
    # and the target has the worst rank.
    requested = interactions([[1, 2, 3, 4, 5, 6], [1, 2, 3, 4, 5, 6, 7]], items=9)
    model = Transitions().fit(interactions([[1, 2, 3, 4, 5, 6]], items=9))

    quality = evaluate(model, splits.leave_one_out(requested).test.queries, k=2, seen=["masked"])["masked"]

    assert (quality.hr, quality.queries) == (1 / 2, 2)


def test_seen_items_take_ranks_unless_masked():
    # Item 1 follows item 2 twice, item 3 follows it once, and item 2 follows item 1.
    model = Transitions(max_gap=1, backward=0.0, position_decay=1.0).fit(interactions([[1, 2, 1, 2, 3], [2, 1]]))
    test = splits.leave_one_out(interactions([[1, 2, 1, 2, 3]])).test

    quality = evaluate(model, test.queries, k=1)

    assert quality["allowed"].hr == 0
    assert quality["masked"].hr == 1


def test_repeat_counts_only_if_seen_items_are_allowed():
    test = splits.leave_one_out(interactions([[1, 2, 3, 1], [1, 2, 3, 4]], items=9)).test

    quality = evaluate(BuyAgain().fit(test.fit), test.queries, k=3)

    assert (quality["allowed"].queries, quality["allowed"].hr) == (2, 1 / 2)
    assert (quality["masked"].queries, quality["masked"].hr) == (1, 0)


def test_item_with_score_0_is_not_recommended_and_not_a_hit():
    """The model has no scores after 3. So neither the target 4 nor any of the other five items is in a list of nine."""
    test = splits.leave_one_out(interactions([[1, 2, 3, 4]], items=6)).test
    model = Transitions().fit(interactions([[1, 2], [4, 5]], items=6))
    requested = dataclasses.replace(test.queries, starts=test.queries.ends - 1)

    quality = evaluate(model, requested, k=9)

    for mode in ("masked", "allowed"):
        assert (quality[mode].queries, quality[mode].hr, quality[mode].coverage) == (1, 0, 0)


def test_coverage_counts_distinct_recommended_items():
    test = splits.leave_one_out(interactions([[1, 2, 3, 4], [5, 6, 7, 8]])).test

    quality = evaluate(BuyAgain().fit(test.fit), test.queries, k=3, seen=["allowed"])["allowed"]

    assert quality.coverage == 6 / 8


def test_chunk_size_does_not_change_the_metrics(monkeypatch):
    test = splits.leave_one_out(shop()).test
    model = Transitions().fit(test.fit)
    whole = evaluate(model, test.queries, k=3)

    monkeypatch.setattr("model_export.evaluation.ranking.BATCH_BYTES", 4 * 100 * 100 * 7)

    assert evaluate(model, test.queries, k=3) == whole


def test_scores_of_another_shape_are_refused(monkeypatch):
    test = splits.leave_one_out(interactions([[1, 2, 3, 4]] * 3)).test
    model = Transitions().fit(test.fit)
    right = type(model).score
    monkeypatch.setattr(type(model), "score", lambda model, histories: right(model, histories)[:, 1:])

    with pytest.raises(InvalidInput, match=r"transitions returned scores of shape \(3, 4\), expected \(3, 5\)"):
        evaluate(model, test.queries, k=3)


def test_targets_do_not_change_the_selected_settings():
    split = splits.leave_one_out(shop())
    rng = np.random.default_rng(5)
    other = dataclasses.replace(split.test.queries, targets=rng.permutation(split.test.queries.targets))
    shuffled = dataclasses.replace(split, test=dataclasses.replace(split.test, queries=other))

    first, second = (compare(each, dict(known())) for each in (split, shuffled))

    chosen, again = (
        {name: (candidate.settings, candidate.validation_ndcg) for name, candidate in candidates.items()}
        for candidates in (first, second)
    )
    assert chosen == again
    assert first["transitions"].quality != second["transitions"].quality


def test_popularity_is_compared_with_an_exhausted_budget():
    rows = 5 * SHORT_FIT_ROWS
    numbers = np.arange(rows)
    many = Interactions.from_rows(
        user=numbers // 2_500, item=numbers % 50 + 1, time_ms=numbers, weight=np.ones(rows), users=100, items=50
    )
    split, limits = splits.leave_one_out(many), Budget(seconds=0.0)
    comparison = Comparison(split, k=10, seen="allowed", fits=Fits(), say=quiet, budget=limits)

    candidates = list(comparison.candidates({name: known()[name] for name in ("item_knn", "popularity")}))

    assert [candidate.settings.name for candidate in candidates] == ["popularity"]
    assert comparison.left_out == {"item_knn": "the budget of 0 processor seconds is used up"}


def test_algorithm_fitted_by_another_process_needs_no_budget():
    history = shop()
    split, fits = splits.leave_one_out(history), Fits()
    settings = known()["item_knn"]
    for learned in {id(part): part for part in (split.validation.fit, split.test.fit)}.values():
        fits.expect(settings, learned, functools.partial(fitted_at_cost, settings, learned))
    limits = Budget(seconds=0.0, megabytes=1.0)
    comparison = Comparison(split, k=10, seen="allowed", fits=fits, say=quiet, budget=limits)

    candidates = list(comparison.candidates({"item_knn": settings}))

    assert [candidate.settings.name for candidate in candidates] == ["item_knn"]


def test_settings_with_the_best_validation_are_tested():
    split = splits.leave_one_out(shop())

    candidate = compare(split, {"transitions": Transitions()})["transitions"]

    by_hand = {
        settings: evaluate(settings.fit(split.validation.fit), split.validation.queries, k=3)["masked"].ndcg
        for settings in Transitions().param_grid()
    }
    assert candidate.settings == max(by_hand, key=lambda settings: by_hand[settings])
    assert candidate.validation_ndcg == max(by_hand.values())


class BestPart(Blend):
    name = "best_part"

    def search(self, tuned, judge):
        best = max(tuned.values(), key=lambda model: ndcg_of(model, judge))
        return dataclasses.replace(self, parts=((best.settings, 1.0),))


def test_combination_is_validated_on_users_that_did_not_choose_it():
    # Users alternate between repeated items (1) and sequences (5 after 4). Each half selects the algorithm that fails
    # for the other half.
    sequences = [sequence for _ in range(4) for sequence in ([1, 2, 1, 1], [3, 4, 5, 6])]
    split = splits.leave_one_out(interactions([*sequences, *[[4, 5, 7, 7]] * 2], items=7))
    comparison = Comparison(split, k=1, seen="allowed", fits=Fits(), say=quiet)

    candidate = comparison.combination(BestPart(), [BuyAgain(), Transitions(max_gap=1, backward=0.0)])

    assert candidate.validation_ndcg == 0
    assert comparison.combination(BestPart(), [Transitions(max_gap=1, backward=0.0)]).validation_ndcg > 0


def test_search_measures_tuned_models_like_their_comparison():
    measured = []

    class Measured(Blend):
        def search(self, tuned, judge):
            measured.append({name: ndcg_of(model, judge) for name, model in tuned.items()})
            return dataclasses.replace(self, parts=tuple((model.settings, 1.0) for model in tuned.values()))

    split = splits.leave_one_out(shop())
    algorithms = {"transitions": Transitions(), "item_knn": ItemKnn()}
    *singles, _ = compare(split, {**algorithms, "blend": Measured()}).values()
    untuned = Comparison(split, k=3, seen="masked", fits=Fits(), say=quiet)
    untuned.combination(Measured(), [each.settings for each in singles])

    # Each combination searches on all validation users first, then on each half.
    assert measured[0] == measured[3] == {each.settings.name: each.validation_ndcg for each in singles}
    assert measured[1:3] == measured[4:]


def test_searches_on_all_groups_of_users_share_the_scores(monkeypatch):
    made = []

    class Recorded(WeightedScores):
        def __init__(self, *arguments, **options):
            made.append(self)
            super().__init__(*arguments, **options)

    monkeypatch.setattr(selection, "WeightedScores", Recorded)
    comparison = Comparison(splits.leave_one_out(shop()), k=3, seen="allowed", fits=Fits(), say=quiet)

    comparison.combination(Blend(), [Transitions(), ItemKnn()])

    assert len(made) == 1


def test_blend_compared_alone_combines_all_other_algorithms():
    candidates = compare(splits.leave_one_out(shop()), {"blend": Blend()})

    assert list(candidates) == ["blend"]
    settings = candidates["blend"].settings
    assert isinstance(settings, Blend)
    assert {part.name for part in settings.components()} <= set(known()) - {"blend"}


@pytest.mark.parametrize("seed", [0, 1])
def test_order_of_algorithms_does_not_change_the_blend(seed):
    rng, fits, blends = np.random.default_rng(seed), Fits(), set()
    sequences = random_sequences(users=60, items=40, length=12, seed=seed)
    split = splits.temporal(interactions(sequences), holdout_ms=2000)
    singles = ("popularity", "buy_again", "transitions", "item_knn", "ease", "repurchase")
    for _ in range(6):
        order = [*rng.permutation(singles).tolist(), "blend"]
        candidate = compare(split, {name: known()[name] for name in order}, fits)["blend"]
        blends.add((candidate.settings, candidate.quality.ndcg))

    assert len(blends) == 1
    (blend, _) = blends.pop()
    assert isinstance(blend, Blend)
    assert len(blend.parts) > 1


SEARCHED: list[list[str]] = []


class Searched(Blend):
    name = "searched"

    def search(self, tuned, judge):
        SEARCHED.append(list(tuned))
        return super().search(tuned, judge)


def test_blend_is_searched_among_algorithms_with_hits():
    SEARCHED.clear()
    split = splits.leave_one_out(shop())  # With masked history, an algorithm of repeated items has no hits.

    compare(split, {"buy_again": BuyAgain(), "transitions": Transitions(), "searched": Searched()})
    compare(split, {"buy_again": BuyAgain(), "searched": Searched()})

    assert {tuple(names) for names in SEARCHED} == {("transitions",), ("buy_again",)}


FITTED: list[Algorithm] = []


@dataclasses.dataclass(frozen=True, kw_only=True)
class Counted(Transitions):
    name: ClassVar[str] = "counted"

    def fit(self, interactions):
        FITTED.append(self)
        return super().fit(interactions)

    def param_grid(self):
        return tuple(dataclasses.replace(self, position_decay=decay) for decay in (0.5, 0.6, 0.7))


def test_settings_that_change_only_inference_share_a_fit():
    FITTED.clear()
    fits, split = Fits(), splits.leave_one_out(shop())

    compare(split, {"counted": Counted()}, fits)
    compare(split, {"counted": Counted()}, fits)

    assert len(FITTED) == 1


def test_another_part_of_the_data_needs_another_fit():
    FITTED.clear()

    compare(splits.temporal(shop(), holdout_ms=2000), {"counted": Counted()})

    assert len(FITTED) == 2


def test_cost_of_a_combination_is_that_of_its_parts():
    data, fits = shop(), Fits()
    blend = Blend(parts=((Transitions(), 1.0), (BuyAgain(), 0.5)))

    assert isinstance(fits.fit(blend, data), BlendModel)

    parts = [fits.cost(part, data) for part in blend.components()]
    assert fits.cost(blend, data).seconds == sum(part.seconds for part in parts)
    assert fits.cost(blend, data).peak_mb == max(part.peak_mb for part in parts)


def candidate(settings, gains):
    none = np.zeros(0)
    quality = Quality(hr=0, ndcg=0, mrr=0, coverage=0, popularity_ratio=0, queries=0, gains=none)
    return Candidate(settings=settings, validation_gains=np.array(gains), quality=quality, fit_s=0, peak_mb=0)


@pytest.mark.parametrize(
    ("blend", "selected", "reason"),
    [
        ([0.4, 0.5, 0.5], "blend", "blend is selected: blend gains 0.1667 over the best single algorithm, buy_again, "
         "on the validation set, and the 95% interval of the gain, 0.1500 to 0.1833, is above 0"),
        ([0.0, 0.3, 0.7], "buy_again", "buy_again is selected: blend gains 0.0333 over the best single algorithm, "
         "buy_again, on the validation set, and the 95% interval of the gain, -0.0701 to 0.1401, includes 0"),
        ([0.3, 0.3, 0.2], "buy_again", "buy_again is selected: it has the highest NDCG on the validation set, 0.3000"),
    ],
    ids=["surely better", "perhaps better", "worse"],
)  # fmt: skip
def test_selection_has_its_reason(blend, selected, reason):
    candidates = [
        candidate(BuyAgain(), [0.3] * 30), candidate(Transitions(), [0.1] * 30), candidate(Blend(), blend * 10),
    ]  # fmt: skip

    winner = choose(candidates)

    assert winner.settings.name == selected
    assert selection_reason(candidates, winner) == reason


@pytest.mark.parametrize("order", [("blend", "distilled"), ("distilled", "blend")], ids=" before ".join)
@pytest.mark.parametrize(
    ("blend", "distilled", "reason"),
    [
        ([0.0, 0.3, 0.7], [0.4, 0.5, 0.5], "distilled is selected: distilled gains 0.1667 over the best single "
         "algorithm, buy_again, on the validation set, and the 95% interval of the gain, 0.1500 to 0.1833, is above 0"),
        ([0.4, 0.5, 0.5], [0.5, 0.5, 0.5], "distilled is selected: distilled gains 0.2000 over the best single "
         "algorithm, buy_again, on the validation set, and the 95% interval of the gain, 0.2000 to 0.2000, is above 0"),
        ([0.0, 0.3, 0.7], [0.0, 0.3, 0.8], "buy_again is selected: distilled gains 0.0667 over the best single "
         "algorithm, buy_again, on the validation set, and the 95% interval of the gain, "
         "-0.0534 to 0.1900, includes 0"),
    ],
    ids=["one surely better", "both surely better", "both perhaps better"],
)  # fmt: skip
def test_best_combination_is_compared_with_the_best_single_algorithm(blend, distilled, reason, order):
    combinations = {"blend": candidate(Blend(), blend * 10), "distilled": candidate(Distilled(), distilled * 10)}
    candidates = [candidate(BuyAgain(), [0.3] * 30), *(combinations[name] for name in order)]

    winner = choose(candidates)

    assert winner.settings.name == reason.split()[0]
    assert selection_reason(candidates, winner) == reason


@pytest.mark.parametrize(("changed", "selected"), [(MIN_CHANGED_USERS - 1, "buy_again"), (MIN_CHANGED_USERS, "blend")])
def test_combination_that_changes_few_users_is_not_selected(changed, selected):
    same = 50 - changed
    candidates = [candidate(BuyAgain(), [0.3] * 50), candidate(Blend(), [0.6] * changed + [0.3] * same)]

    winner = choose(candidates)

    assert winner.settings.name == selected
    few = f"but changes only {MIN_CHANGED_USERS - 1} users, and {MIN_CHANGED_USERS} are needed"
    assert (few in selection_reason(candidates, winner)) == (selected == "buy_again")
