"""Options that commands refuse before they call AWS, with exit status 2 and the reason on stderr."""

import pytest

from tests.unit.cli.command_line import run


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ("recommend", "expected --user ID, --item ID or --users FILE"),
        ("recommend --users f --user anna", "--user goes with one user, not with --users"),
        ("recommend --users f --item pear", "--item goes with one user, not with --users"),
        ("recommend --users f --explain", "--explain goes with one user, not with --users"),
        ("recommend --users f --metadata TITLE", "--metadata goes with one user, not with --users"),
        ("recommend --user anna --output x", "--output goes with --users"),
        ("recommend --user anna --parallel 2", "--parallel goes with --users"),
        ("recommend --user anna --value A=1", "--value is for the parameters of a filter, but there is no --filter"),
        ("recommend --user anna --filter f --value A", "--value is 'A', expected PARAMETER=VALUE"),
        ("recommend --user anna --filter f --value A=1 --value A=2", "--value repeats A"),
        (
            "recommend --users f --workflow --output here.parquet",
            "--output is 'here.parquet', expected s3://bucket/prefix/",
        ),
        ("recommend --users f --workflow --parallel 2", "--parallel is a setting of the deployment with --workflow"),
        ("web cards --currency euro", "expected three letters of ISO 4217, such as EUR"),
        ("web cards --currency €", "expected three letters of ISO 4217, such as EUR"),
        ("web cards --currency E1R", "expected three letters of ISO 4217, such as EUR"),
        ("web cards --currency=", "expected three letters of ISO 4217, such as EUR"),
        ("rules preview --users 5 --user anna", "--user"),
        ("rules forecast", "--file"),
        ("rules forecast --rules spring --file draft.yaml", "--file"),
        ("metrics --versions 0", "0 is not in the range 1<=x<=10000"),
        ("metrics --versions 10001", "10001 is not in the range 1<=x<=10000"),
    ],
)
def test_options_are_refused_before_any_call(cloud, client, tmp_path, monkeypatch, arguments, reason):
    monkeypatch.chdir(tmp_path)

    refused = run(*arguments.split(), terminal_width=200)

    assert refused.exit_code == 2
    assert reason in " ".join(refused.stderr.replace("│", " ").split())
    assert cloud.calls == []
