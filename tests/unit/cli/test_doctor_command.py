"""Output and exit status of `alsolike doctor`."""

import json
from pathlib import Path

import pytest

from operations import doctor, embedded_cloud
from operations.doctor import FAILED, PASSED, UNKNOWN, Finding
from tests.unit.cli.command_line import run
from tests.unit.operations.doctor.accounts import NEEDS

ACCOUNT = Finding("account", PASSED, "123456789012")
LAYER = Finding("layer", FAILED, "not published", "set pandas_layer_arn", blocks=True)
QUOTA = Finding("Glue capacity", FAILED, "10 DPUs, expected 20", "request more")
MAIL = Finding("alarm mail", UNKNOWN, "AccessDenied", "allow the action")


@pytest.fixture
def account(monkeypatch):
    """Return a list, to which tests add the findings that the command receives."""
    findings: list[Finding] = []
    monkeypatch.setattr(embedded_cloud, "synthesize", lambda *_, **__: Path("assembly"))
    monkeypatch.setattr(doctor, "read_needs", lambda _: NEEDS)
    monkeypatch.setattr(doctor, "examine", lambda *_, **__: iter(findings))
    return findings


@pytest.mark.parametrize(
    ("findings", "status"), [([ACCOUNT], 0), ([ACCOUNT, QUOTA, MAIL], 0), ([ACCOUNT, LAYER], 1), ([LAYER, QUOTA], 1)]
)
def test_only_a_failure_of_the_deployment_sets_the_exit_status(findings, status, account):
    account += findings

    for form in ([], ["--json"]):
        assert run("doctor", "--env", "shop", *form).exit_code == status


def test_lines_show_each_check_with_its_next_step(account):
    account += [ACCOUNT, LAYER, MAIL]

    done = run("doctor", "--env", "shop")

    assert done.output.splitlines() == [
        "passed   account: 123456789012",
        "failed   layer: not published",
        "         next: set pandas_layer_arn",
        "unknown  alarm mail: AccessDenied",
        "         next: allow the action",
        "a deployment would fail at 1 check",
    ]


def test_json_has_each_check_and_the_verdict(account):
    account += [ACCOUNT, QUOTA]

    document = json.loads(run("doctor", "--env", "shop", "--format", "json").output)

    assert (document["environment"], document["region"], document["deployable"]) == ("shop", "eu-west-1", True)
    assert document["checks"][1] == {
        "check": "Glue capacity",
        "status": "failed",
        "reason": "10 DPUs, expected 20",
        "advice": "request more",
        "blocks": False,
    }


@pytest.mark.parametrize(
    ("options", "account"), [([], "123456789012"), (["--account", "999999999999"], "999999999999")]
)
def test_policy_is_of_the_account_of_the_option_or_of_cdk_json(options, account, monkeypatch, tmp_path):
    role = {"assumeRoleArn": "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/deploy"}
    (tmp_path / "manifest.json").write_text(json.dumps({"artifacts": {"data": {"properties": role}}}))
    monkeypatch.setattr(embedded_cloud, "synthesize", lambda *_, **__: tmp_path)
    monkeypatch.setattr(doctor, "read_needs", lambda _: NEEDS)

    document = json.loads(run("policy", "--env", "shop", *options).output)

    assert document["Statement"][0]["Resource"] == [f"arn:aws:iam::{account}:role/deploy"]


def test_policy_of_an_operator_names_only_resources_of_the_deployment(shop):
    document = json.loads(run("policy", "--operator", "--env", "shop").output)

    statements = {statement["Sid"]: statement for statement in document["Statement"]}
    assert statements["Buckets"]["Resource"] == ["arn:aws:s3:::artefacts", "arn:aws:s3:::lake"]
    assert statements["Functions"]["Resource"] == ["arn:aws:lambda:eu-west-1:123456789012:function:alsolike-shop-*"]
    assert {name for name, statement in statements.items() if statement["Resource"] == ["*"]} == {"Overview"}
