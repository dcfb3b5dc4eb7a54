"""Attribution of other days when one day fails."""

import pytest

from alsolike.lake import served
from alsolike.runtime.errors import DaysFailed
from functions.attribute_outcomes import day_results
from functions.attribute_outcomes.responses import genuine as really
from functions.attribute_outcomes.rules import DAY_MS
from tests.builders.attribution import DATE, DAY, SERVED_MS, answer


def test_invalid_parquet_object_fails_only_its_day(shop, given):
    shop.write_served([given, answer(["pear"], served_ms=SERVED_MS + DAY_MS)])
    shop.s3.put_object(Bucket=shop.bucket, Key=f"{served.partition_prefix(DATE)}broken.parquet", Body=b"PAR1")

    outcome = shop.attribute()

    assert (outcome.days, outcome.complete) == (1, False)
    assert len(shop.outcomes("2026-09-22")) == 1
    with pytest.raises(DaysFailed, match=rf"1 days .*: {DATE}: InvalidDataset: .*broken\.parquet is not an object of"):
        outcome.raise_failures()


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
