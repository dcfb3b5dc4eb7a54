"""Attribution as Lambda calls it."""

import itertools
import time
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alsolike.configuration import recommendation_id
from alsolike.declarations.times import DAY_MS
from alsolike.lake import served
from alsolike.runtime.errors import DaysFailed, InvalidInput
from functions.attribute_outcomes import day_results, handler
from functions.attribute_outcomes.outcome_sums import exact_sum
from functions.attribute_outcomes.responses import genuine as really
from functions.attribute_outcomes.responses import read
from tests.builders.attribution import DATE, DAY, NOW_MS, SERVED_MS, answer, event
from tests.builders.lambda_events import LambdaContext


@pytest.fixture
def invoke(lake_bucket, artefact_bucket, pseudonyms, set_variables, monkeypatch):
    set_variables(RECOMMEND_FUNCTION_PARAMETER="/recommend")

    def call(*, now_ms=NOW_MS, remaining_ms=900_000):
        monkeypatch.setattr(time, "time_ns", lambda: now_ms * 1_000_000)
        return handler.lambda_handler({}, LambdaContext(remaining_ms=remaining_ms))

    return call


def break_day(shop):
    shop.s3.put_object(Bucket=shop.bucket, Key=f"{served.partition_prefix(DATE)}broken.parquet", Body=b"PAR1")


def test_call_attributes_days_and_reports_the_last_complete_day_once(shop, invoke, counted_by_dimensions):
    given = answer(["pear", "plum"], arms=["spring/new"])
    shop.write_served([given, answer(["fig"], served_ms=SERVED_MS + DAY_MS)])
    shop.write_events([event(given, "pear", impression=["pear", "plum"]), event("forged", "pear")])
    counted_by_dimensions()

    first = invoke()
    metrics = counted_by_dimensions()
    shop.write_events([event(given, "plum", after_ms=70_000)], name="late")
    second = invoke()
    metrics_again = counted_by_dimensions()

    assert first == {"days": 2, "events": 1, "rejected": 1, "complete": True, "window_cut_days": 0, "failed": {}}
    assert second["events"] == 2
    assert shop.outcomes()[given["recommendation_id"]]["clicks"] == 2
    rates = {"ClickThrough": 0.5, "Conversion": 0.0, "RevenuePerThousand": 0.0, "NewItemShare": 0.0, "Novelty": 0.5,
             "DegradedShare": 0.0}  # fmt: skip
    assert metrics.pop(()) == {"DaysAttributed": 2}
    assert metrics.pop(("forged",)) == {"EventsNotAttributed": 1}
    groups = [("all", "all"), ("recommender", "for-you"), ("model_version", "m1"), ("arm", "spring/new")]
    assert set(metrics) == set(groups)
    assert {**metrics["arm", "spring/new"], "Novelty": 0.5} == rates
    assert metrics_again == {(): {"DaysAttributed": 2}}


def test_call_without_time_leaves_remaining_days_to_the_next_call(shop, invoke):
    shop.write_served([answer(["pear"])])

    first = invoke(remaining_ms=300_000)

    assert (first["days"], first["complete"], first["failed"]) == (0, False, {})
    assert invoke()["days"] == 1
    assert list(shop.outcomes(DATE))


def test_call_with_failing_day_computes_other_days_and_fails(shop, invoke, counted_by_dimensions):
    shop.write_served([answer(["fig"], served_ms=SERVED_MS + DAY_MS)])
    break_day(shop)

    message = rf"1 days .*: {DATE}: InvalidDataset: .*broken\.parquet is not an object of"
    with pytest.raises(DaysFailed, match=message):
        invoke()

    assert counted_by_dimensions()[()] == {"DaysAttributed": 1}
    assert len(shop.outcomes("2026-09-22")) == 1


def test_unexpected_error_fails_only_its_day_and_hides_data(shop, given, monkeypatch):
    shop.write_served([given, answer(["pear"], served_ms=SERVED_MS + DAY_MS)])

    def genuine(rows, of):
        if of == DAY:
            raise OverflowError("anna's order")
        return really(rows, of)

    monkeypatch.setattr(day_results, "genuine", genuine)
    outcome = shop.attribute()

    assert len(shop.outcomes("2026-09-22")) == 1
    assert list(outcome.failed) == [DATE]
    assert outcome.failed[DATE].startswith("OverflowError in genuine, line ")
    monkeypatch.undo()
    assert shop.attribute().failed == {}
    assert len(shop.outcomes()) == 1


made = st.builds(
    lambda time_ms, recommender, arms: recommendation_id.create(
        answered_ms=time_ms, recommender=recommender, version="m1", arms=arms
    ),
    st.integers(0, 2**48 - 1),
    st.sampled_from(list(recommendation_id.RECOMMENDER_CODES)),
    st.lists(st.text(max_size=5), max_size=3),
)
cut = st.builds(lambda text, end: text[:end], made, st.integers(0, 39))
changed = st.builds(
    lambda text, at, by: text[:at] + by + text[at + 1 :],
    made,
    st.integers(0, 39),
    st.characters(exclude_categories=["Cs"]),
)


def answered_ms(text):
    try:
        return recommendation_id.parse(text or "").answered_ms
    except InvalidInput:
        return None


@given(st.lists(st.one_of(made, made, cut, changed, st.text(), st.none()), max_size=8))
def test_batch_read_of_ids_equals_single_reads(ids):
    found = read(pa.array(ids, pa.string()))

    times = [time if good else None for good, time in zip(found.genuine, found.answered_ms.tolist(), strict=True)]
    assert times == [answered_ms(each) for each in ids]


@given(st.lists(st.floats(-1e18, 1e18), max_size=20))
def test_exact_sum_equals_sum_of_fractions(values):
    assert exact_sum(np.array(values, np.float64)) == sum(map(Fraction, values), Fraction())


def test_exact_sum_does_not_overflow():
    assert exact_sum(np.full(100_000, 9007199254740991.0)) == 100_000 * 9007199254740991
    assert len({exact_sum(np.array(each)) for each in itertools.permutations((0.1, 0.2, 1e9))}) == 1
