from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_cloud.events.schedule_expressions import ScheduleExpressionError, parse_schedule

START = datetime(2026, 1, 30, 10, 7, 30, tzinfo=UTC)  # a Friday


def next_times(expression, count=3, *, zone="UTC"):
    schedule, moment, found = parse_schedule(expression, zone=zone), START, []
    for _ in range(count):
        following = schedule(moment)
        if following is None:
            break
        moment = following
        found.append(f"{moment:%Y-%m-%d %H:%M}")
    return found


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("cron(0/15 * * * ? *)", ["2026-01-30 10:15", "2026-01-30 10:30", "2026-01-30 10:45"]),
        ("cron(30 3 * * ? *)", ["2026-01-31 03:30", "2026-02-01 03:30", "2026-02-02 03:30"]),
        ("cron(0 8 ? * MON-FRI *)", ["2026-02-02 08:00", "2026-02-03 08:00", "2026-02-04 08:00"]),
        ("cron(0 8 ? * 1,7 *)", ["2026-01-31 08:00", "2026-02-01 08:00", "2026-02-07 08:00"]),
        ("cron(0 0 L * ? *)", ["2026-01-31 00:00", "2026-02-28 00:00", "2026-03-31 00:00"]),
        ("cron(0 0 1W * ? *)", ["2026-02-02 00:00", "2026-03-02 00:00", "2026-04-01 00:00"]),
        ("cron(0 0 ? * 2#1 *)", ["2026-02-02 00:00", "2026-03-02 00:00", "2026-04-06 00:00"]),
        ("cron(0 0 ? * FRIL *)", ["2026-02-27 00:00", "2026-03-27 00:00", "2026-04-24 00:00"]),
        ("cron(0 8 ? * FRI-MON *)", ["2026-01-31 08:00", "2026-02-01 08:00", "2026-02-02 08:00"]),
        ("cron(0 22-2 * * ? *)", ["2026-01-30 22:00", "2026-01-30 23:00", "2026-01-31 00:00"]),
        ("cron(0 0 ? * L *)", ["2026-01-31 00:00", "2026-02-07 00:00", "2026-02-14 00:00"]),
        ("cron(0 0 29 FEB ? *)", ["2028-02-29 00:00", "2032-02-29 00:00", "2036-02-29 00:00"]),
        ("cron(0 12 1 1 ? 2027)", ["2027-01-01 12:00"]),
        ("rate(2 hours)", ["2026-01-30 12:07", "2026-01-30 14:07", "2026-01-30 16:07"]),
        ("at(2026-02-01T12:00:00)", ["2026-02-01 12:00"]),
        ("at(2026-01-01T12:00:00)", []),
    ],
)
def test_expression_is_due_at_the_times_of_aws(expression, expected):
    assert next_times(expression) == expected


def test_cron_uses_the_local_time_of_its_zone():
    # Berlin changes to summer time on 2026-03-29. 8:00 is 7:00 UTC before, and 6:00 UTC after the change.
    schedule = parse_schedule("cron(0 8 * * ? *)", zone="Europe/Berlin")

    before = schedule(datetime(2026, 3, 28, 0, 0, tzinfo=UTC))
    after = schedule(datetime(2026, 3, 29, 0, 0, tzinfo=UTC))

    assert before == datetime(2026, 3, 28, 7, 0, tzinfo=UTC)
    assert after == datetime(2026, 3, 29, 6, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("every day", "expected rate"),
        ("rate(0 minutes)", "expected a positive number"),
        ("rate(5 weeks)", "expected a positive number"),
        ("cron(0 8 * * *)", "expected 6 fields, found 5"),
        ("cron(0 8 * * * *)", "exactly one of day-of-month and day-of-week"),
        ("cron(60 8 * * ? *)", "'60' is not within 0-59"),
        ("cron(0 8 ? * MON#6 *)", "'MON#6' is not a value or a range"),
        ("cron(0 8 ? * NOD *)", "'NOD' is not within 1-7 or SUN-SAT"),
        ("at(tomorrow)", "Invalid isoformat"),
    ],
)
def test_malformed_expression_is_refused_with_its_reason(expression, reason):
    with pytest.raises(ScheduleExpressionError, match=reason):
        parse_schedule(expression)


@pytest.mark.parametrize("expression", ["cron(0 8 * * ? *)", "at(2026-01-31T12:00:00)"])
def test_unknown_time_zone_is_refused_with_its_name(expression):
    with pytest.raises(ScheduleExpressionError, match="'Europe/Berlni' is not a time zone"):
        parse_schedule(expression, zone="Europe/Berlni")


@given(
    moment=st.datetimes(datetime(2020, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),
    minute=st.integers(0, 59),
    hour=st.integers(0, 23),
)
def test_daily_cron_is_due_within_a_day(moment, minute, hour):
    schedule = parse_schedule(f"cron({minute} {hour} * * ? *)")

    due = schedule(moment)
    assert timedelta() < due - moment <= timedelta(days=1)
    assert (due.hour, due.minute) == (hour, minute)
