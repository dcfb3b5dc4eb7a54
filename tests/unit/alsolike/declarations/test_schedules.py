"""Schedule expressions. Settings and embedded cloud accept the same expressions and compute the same times."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alsolike.declarations.schedule_expressions import Cron, Rate, parse_schedule
from local_cloud.events import schedule_expressions as embedded

ALL_DAYS, ALL_WEEKDAYS = tuple(range(1, 32)), tuple(range(1, 8))
UNTIL = dt.datetime(2027, 1, 1, tzinfo=dt.UTC)


def cron(expression):
    parsed = parse_schedule(expression)
    assert isinstance(parsed, Cron)
    return parsed


@pytest.mark.parametrize(("expression", "seconds"), [("rate(1 minute)", 60), ("rate(36 hours)", 129_600)])
def test_rate_is_parsed_into_seconds(expression, seconds):
    assert parse_schedule(expression) == Rate(seconds)


@pytest.mark.parametrize(
    ("hours", "expected"),
    [
        ("8-18/4", (8, 12, 16)),
        ("22-2", (0, 1, 2, 22, 23)),
        ("22-2/2", (0, 2, 22)),
        ("20/2", (20, 22)),
        ("*/6", (0, 6, 12, 18)),
        ("23,03,9", (3, 9, 23)),
        ("5-5", (5,)),
    ],
)
def test_hours_may_be_lists_ranges_and_steps(hours, expected):
    assert cron(f"cron(0 {hours} * * ? *)").hours == expected


@pytest.mark.parametrize(
    ("weekdays", "expected"),
    [
        ("FRI-MON", (1, 2, 6, 7)),
        ("6-2", (1, 2, 6, 7)),
        ("SAT-SUN", (1, 7)),
        ("MON-FRI", (2, 3, 4, 5, 6)),
        ("L", (7,)),
        ("*", ALL_WEEKDAYS),
    ],
)
def test_weekdays_count_from_sunday(weekdays, expected):
    parsed = cron(f"cron(0 8 ? * {weekdays} *)")

    assert (parsed.weekdays, parsed.days, parsed.is_monthly) == (expected, ALL_DAYS, False)


def test_days_and_months_wrap_around():
    parsed = cron("cron(50-10/10 0 30-2 NOV-FEB ? *)")

    assert (parsed.minutes, parsed.days, parsed.months) == ((0, 10, 50), (1, 2, 30, 31), (1, 2, 11, 12))


@pytest.mark.parametrize("day", ["L * ?", "LW * ?", "15W * ?", "? * FRIL", "? * 6L", "? * MON#2", "? * 2#5"])
def test_day_rules_select_one_day_per_month(day):
    parsed = cron(f"cron(0 0 {day} *)")

    assert (parsed.is_monthly, parsed.days, parsed.weekdays) == (True, ALL_DAYS, ALL_WEEKDAYS)


REFUSED = (
    "", " rate(1 day)", "rate(1 day)\n", "rate(0 days)", "rate(1 days)", "rate(2 day)", "rate(-1 days)", "rate(01 day)",
    "rate(2 weeks)", "rate(1day)", "cron()", "cron(nonsense)", "cron(0 3 * * *)", "cron(0  3 * * ? *)",
    "cron(0 3 * * * *)", "cron(0 3 ? * ? *)", "cron(0 3 ?,1 * MON *)", "cron(60 3 * * ? *)", "cron(0 24 * * ? *)",
    "cron(0 3 32 * ? *)", "cron(0 3 0 * ? *)", "cron(0 3 * 13 ? *)", "cron(0 3 * FEV ? *)", "cron(0 3 ? * 8 *)",
    "cron(0 3 ? * mon *)", "cron(0 3 ? * MON/2 *)", "cron(0 3 * * ? 1969)", "cron(0 3 * * ? 2030-2020)",
    "cron(*/60 * * * ? *)", "cron(0/0 * * * ? *)", "cron(0 */24 * * ? *)", "cron(1_0 3 * * ? *)", "cron(+5 3 * * ? *)",
    "cron(- 3 * * ? *)", "cron(5- 3 * * ? *)", "cron(1-2-3 3 * * ? *)", "cron(1, 3 * * ? *)", "cron(0 3 32W * ? *)",
    "cron(0 3 0W * ? *)", "cron(0 3 W * ? *)", "cron(0 3 1,15W * ? *)", "cron(0 3 L-3 * ? *)", "cron(0 3 1,L * ? *)",
    "cron(0 3 ? * 8L *)", "cron(0 3 ? * MON#6 *)", "cron(0 3 ? * MON#0 *)", "cron(0 3 ? * 2#1,3#1 *)",
    "cron(0 3 ? * MON-FRIL *)", "cron(0 3 ? * *L *)", "cron(0 3 ? * MON,L *)",
)  # fmt: skip


@pytest.mark.parametrize("expression", REFUSED)
def test_malformed_expression_is_refused(expression):
    with pytest.raises(ValueError, match=r"expected|within|must be|is not a value|ends before"):
        parse_schedule(expression)
    with pytest.raises(embedded.ScheduleExpressionError):
        embedded.parse_schedule(expression)


def fields(low, high, *names):
    value = st.one_of(st.integers(low - 1, high + 1).map(str), st.sampled_from(names) if names else st.nothing())
    span = st.one_of(st.just("*"), value, st.tuples(value, value).map("-".join))
    part = st.one_of(span, st.tuples(span, st.integers(0, high + 1).map(str)).map("/".join))
    return st.lists(part, min_size=1, max_size=3).map(",".join)


WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
DAYS = st.one_of(fields(1, 31), st.sampled_from(["?", "L", "LW", "W"]), st.integers(0, 32).map(lambda day: f"{day}W"))
DAYS_OF_WEEK = st.one_of(
    fields(1, 7, *WEEKDAYS),
    st.sampled_from(["?", "L", "FRIL", "0L", "MON#3"]),
    st.tuples(st.integers(0, 8), st.integers(0, 6)).map(lambda pair: f"{pair[0]}#{pair[1]}"),
)
EXPRESSIONS = st.tuples(
    fields(0, 59),
    fields(0, 23),
    st.one_of(st.just("?"), DAYS),
    fields(1, 12, "JAN", "DEC"),
    st.one_of(st.just("?"), DAYS_OF_WEEK),
    st.one_of(st.just("*"), fields(1970, 2199)),
).map(lambda parts: f"cron({' '.join(parts)})")


@given(EXPRESSIONS)
def test_embedded_cloud_accepts_the_schedules_of_the_settings(expression):
    def accepts(parse):
        try:
            parse(expression)
        except ValueError:
            return False
        return True

    assert accepts(embedded.parse_schedule) == accepts(parse_schedule)


@pytest.mark.parametrize(
    "expression",
    ["cron(0 8 ? * FRI-MON *)", "cron(0 22-2 * * ? *)", "cron(0/30 20-2 ? NOV-FEB MON-FRI *)", "cron(0 0 28-2 * ? *)"],
)
def test_embedded_cloud_runs_schedules_at_the_same_times(expression):
    parsed, schedule = cron(expression), embedded.parse_schedule(expression)
    minute = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    expected = []
    while minute < UNTIL:
        is_selected = (minute.day in parsed.days, minute.month in parsed.months, minute.hour in parsed.hours)
        if all(is_selected) and minute.isoweekday() % 7 + 1 in parsed.weekdays and minute.minute in parsed.minutes:
            expected.append(minute)
        minute += dt.timedelta(minutes=30)

    runs, moment = [], dt.datetime(2025, 12, 31, 23, 59, tzinfo=dt.UTC)
    while (run := schedule(moment)) is not None and run < UNTIL:
        runs.append(run)
        moment = run
    assert runs == expected
