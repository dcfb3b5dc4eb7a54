"""Maximum interval between two runs of a schedule."""

import pytest

from infra_cdk.schedule_gaps import longest_gap_days, longest_gap_hours


@pytest.mark.parametrize(
    ("expression", "hours"),
    [
        ("rate(5 minutes)", 1),
        ("rate(90 minutes)", 2),
        ("rate(2 days)", 48),
        ("rate(30 days)", 168),
        ("cron(0 * * * ? *)", 1),
        ("cron(0 3 * * ? *)", 24),
        ("cron(0 */6 * * ? *)", 6),
        ("cron(0 0,9,12 * * ? *)", 12),
        ("cron(0 3 ? * MON *)", 168),
        ("cron(0 3 ? * MON-FRI *)", 72),  # The interval is from Friday to Monday.
        ("cron(0 8-18 ? * 2-6 *)", 62),
        ("cron(0 3 ? * MON,WED,FRI *)", 72),
        ("cron(0 3 ? * SAT,TUE-WED *)", 72),
        ("cron(0 22-2 ? * FRI-MON *)", 73),  # The interval is from Monday 23:00 to Friday 0:00.
        ("cron(0 3 1 * ? *)", 168),
        ("cron(0 3 ? * FRIL *)", 168),
    ],
)
def test_longest_gap_of_a_schedule_in_hours(expression, hours):
    assert longest_gap_hours(expression) == hours


@pytest.mark.parametrize(
    ("expression", "days"),
    [
        (None, None),
        ("rate(7 days)", 7),
        ("rate(1 day)", 1),
        ("rate(36 hours)", 2),
        ("rate(30 minutes)", 1),
        ("cron(0 3 * * ? *)", 1),
        ("cron(0 3 ? * MON *)", 7),
        ("cron(0 3 ? * FRI-MON *)", 4),  # The interval is from Monday to Friday.
        ("cron(0 3 1 * ? *)", 31),
        ("cron(0 3 1,15 * ? *)", 17),
        ("cron(0 3 29 * ? *)", 59),  # The interval is from 29 January to 29 March.
        ("cron(0 3 31 * ? *)", 61),  # The interval is from 31 March to 31 May.
        ("cron(0 3 ? * FRIL *)", 35),  # The interval is five weeks.
        ("cron(0 3 ? * FRI#5 *)", 119),  # The interval is 17 weeks.
        ("cron(0 3 31W * ? *)", 63),  # The interval is from Friday, 29 March, to 31 May.
        ("cron(0 3 1 1 ? *)", 366),
        ("cron(0 3 29 2 ? *)", 8 * 365 + 1),  # 2100 is not a leap year.
        ("cron(0 3 ? 1 MON *)", 49 * 7),  # The interval is from the fifth Monday to the first.
        ("cron(0 3 * * ? 2026-2027)", 1),
    ],
)
def test_longest_gap_of_a_schedule_in_days(expression, days):
    assert longest_gap_days(expression) == days
