"""Decisions of a role's policies on requests."""

import pytest

from local_cloud.permissions.policy import Need, PolicyError, RolePolicy

TABLE = "arn:aws:dynamodb:us-east-1:123456789012:table/users"


def _allow(actions, resources, **elements):
    return {"Effect": "Allow", "Action": actions, "Resource": resources, **elements}


def _decide(*statements, need):
    decision = RolePolicy(statements).decide(need)
    return decision.allowed, decision.reason


def _need(action, resource, **context):
    keys = {"attributes": "dynamodb:Attributes", "namespace": "cloudwatch:namespace", "service": "iam:PassedToService"}
    return Need(action, resource, context=lambda: {keys[name]: values for name, values in context.items()})


@pytest.mark.parametrize(
    ("actions", "resources", "allowed"),
    [
        ("dynamodb:GetItem", TABLE, True),
        (["dynamodb:Query", "dynamodb:GetItem"], ["arn:aws:s3:::b", TABLE], True),
        ("dynamodb:getitem", TABLE, True),
        ("dynamodb:Get*", "arn:aws:dynamodb:*:*:table/use??", True),
        ("*", "*", True),
        ("dynamodb:Query", TABLE, False),
        ("dynamodb:GetItem", f"{TABLE}2", False),
        ("dynamodb:GetItem", TABLE.upper(), False),
        ("dynamodb:GetItem", f"{TABLE}/index/*", False),
        ("dynamodb:GetItem", "arn:aws:dynamodb:us.east-1:123456789012:table/users", False),
        ("dynamodb:Ge?", TABLE, False),
    ],
)
def test_statement_allows_matching_actions_and_resources(actions, resources, allowed):
    assert _decide(_allow(actions, resources), need=_need("dynamodb:GetItem", TABLE))[0] is allowed


def test_action_on_all_resources_needs_a_statement_on_all():
    narrow, wide = _allow("dynamodb:ListStreams", TABLE), _allow("dynamodb:ListStreams", "*")

    assert not _decide(narrow, need=_need("dynamodb:ListStreams", "*"))[0]
    assert _decide(wide, need=_need("dynamodb:ListStreams", "*"))[0]


def test_statement_excludes_actions_and_resources():
    others = {"Effect": "Allow", "NotAction": "dynamodb:Delete*", "NotResource": "arn:aws:s3:::*"}

    assert _decide(others, need=_need("dynamodb:GetItem", TABLE))[0]
    assert not _decide(others, need=_need("dynamodb:DeleteItem", TABLE))[0]
    assert not _decide(others, need=_need("s3:GetObject", "arn:aws:s3:::b/k"))[0]


def test_refusal_without_a_statement_has_the_action_as_its_reason():
    assert _decide(need=_need("dynamodb:GetItem", TABLE)) == (
        False,
        "because no identity-based policy allows the dynamodb:GetItem action",
    )


@pytest.mark.parametrize("order", [1, -1])
def test_explicit_deny_has_priority(order):
    allow, deny = _allow("s3:PutObject", "arn:aws:s3:::b/*"), _allow("s3:PutObject", "arn:aws:s3:::b/own/*")
    statements = [allow, {**deny, "Effect": "Deny"}][::order]

    assert _decide(*statements, need=_need("s3:PutObject", "arn:aws:s3:::b/other/k"))[0]
    assert _decide(*statements, need=_need("s3:PutObject", "arn:aws:s3:::b/own/k")) == (
        False,
        "with an explicit deny in an identity-based policy",
    )


def test_deny_with_an_unmet_condition_does_not_apply():
    condition = {"StringEquals": {"cloudwatch:namespace": "Other"}}
    deny = {**_allow("cloudwatch:PutMetricData", "*", Condition=condition), "Effect": "Deny"}
    allow = _allow("cloudwatch:PutMetricData", "*")

    assert _decide(deny, allow, need=_need("cloudwatch:PutMetricData", "*", namespace=["Own"]))[0]
    assert not _decide(deny, allow, need=_need("cloudwatch:PutMetricData", "*", namespace=["Other"]))[0]


@pytest.mark.parametrize(
    ("operator", "context", "allowed"),
    [
        ("StringEquals", {"namespace": ["Own"]}, True),
        ("StringEquals", {"namespace": ["own"]}, False),
        ("StringEquals", {}, False),
        ("StringLike", {"namespace": ["Own"]}, True),
        ("StringLike", {"namespace": ["Owner"]}, False),
        ("ForAllValues:StringEquals", {"namespace": ["Own", "O?n"]}, True),
        ("ForAllValues:StringEquals", {"namespace": ["Own", "Other"]}, False),
        ("ForAllValues:StringEquals", {}, True),
    ],
)
def test_condition_allows_only_its_values(operator, context, allowed):
    statement = _allow("cloudwatch:PutMetricData", "*", Condition={operator: {"cloudwatch:namespace": ["Own", "O?n"]}})

    assert _decide(statement, need=_need("cloudwatch:PutMetricData", "*", **context))[0] is allowed


def test_all_conditions_are_required():
    both = {
        "StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"},
        "ForAllValues:StringEquals": {"dynamodb:Attributes": ["a"]},
    }
    statement = _allow("iam:PassRole", "*", Condition=both)

    assert _decide(statement, need=_need("iam:PassRole", "*", service=["sagemaker.amazonaws.com"], attributes=["a"]))[0]
    assert not _decide(
        statement, need=_need("iam:PassRole", "*", service=["sagemaker.amazonaws.com"], attributes=["b"])
    )[0]


@pytest.mark.parametrize(
    ("elements", "part"),
    [
        ({"Condition": {"StringEquals": {"aws:SourceAccount": "1"}}}, "StringEquals of aws:SourceAccount"),
        ({"Condition": {"Bool": {"cloudwatch:namespace": "true"}}}, "Bool of cloudwatch:namespace"),
        ({"Resource": "arn:aws:s3:::b/${aws:username}"}, "arn:aws:s3:::b/${aws:username}"),
        ({"Principal": "*"}, "Principal"),
    ],
)
def test_unsupported_statement_is_an_error(elements, part):
    with pytest.raises(PolicyError) as error:
        RolePolicy([{**_allow("s3:GetObject", "*"), **elements}])

    assert part in str(error.value)


def test_statement_records_the_actions_it_allowed():
    policy = RolePolicy([_allow(["dynamodb:GetItem", "dynamodb:Scan"], TABLE), _allow("s3:GetObject", "*")])

    policy.decide(_need("dynamodb:GetItem", TABLE))
    policy.decide(_need("dynamodb:Scan", f"{TABLE}2"))

    assert [statement.used for statement in policy.statements] == [{"dynamodb:GetItem"}, set()]
