"""Rules for all roles and policies, and for those that belong to no function."""

from tests.infra.assembly import Assembly, all_statements, flat, granted, listed

# Actions that AWS grants on everything or not at all.
WITHOUT_RESOURCES = {
    "cloudwatch:DescribeAlarms",  # for composite alarms, too
    "cloudwatch:GetMetricData",
    "cloudwatch:PutMetricData",
    "dynamodb:ListStreams",
    "ecr:GetAuthorizationToken",
    "logs:CreateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
    "logs:GetLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:UpdateLogDelivery",
    "xray:GetSamplingRules",
    "xray:GetSamplingTargets",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
}


def test_no_action_has_a_wildcard(assembly: Assembly) -> None:
    actions = {action for _, statement in all_statements(assembly) for action in listed(statement["Action"])}

    assert len(actions) > 40
    assert not {action for action in actions if "*" in action}


def test_only_actions_without_resources_are_granted_on_everything(assembly: Assembly) -> None:
    everywhere = {
        action
        for _, statement in all_statements(assembly)
        if "*" in listed(statement["Resource"])
        for action in listed(statement["Action"])
    }

    assert everywhere <= WITHOUT_RESOURCES


def test_no_role_has_a_managed_policy(assembly: Assembly) -> None:
    assert not [r for r in assembly.of_type("AWS::IAM::Role") if "ManagedPolicyArns" in r.properties]


def test_only_what_names_its_own_machine_stands_outside_of_the_roles(assembly: Assembly) -> None:
    """The schedule's policy, which the CDK wrote; what asks whether a run goes on; that of a workflow whose batches are
    executions of its own; and that of the control plane, whose stack is deployed before the workflow of batches.
    """
    policies = [
        (policy.stack.rpartition("-")[2], [s["Action"] for s in policy.properties["PolicyDocument"]["Statement"]])
        for policy in assembly.of_type("AWS::IAM::Policy")
    ]

    assert sorted(policies, key=str) == [
        ("batch", ["states:StartExecution", "states:DescribeExecution"]),
        ("batch", ["states:StartExecution", ["states:DescribeExecution", "states:StopExecution"]]),
        ("training", ["states:DescribeExecution"]),
        ("training", ["states:StartExecution"]),
    ]


def test_runs_are_looked_at_in_their_own_machine_alone(demo: Assembly) -> None:
    (policy,) = [p for p in demo.of_type("AWS::IAM::Policy") if "DescribeExecution" in str(p) and "training" in p.stack]
    (statement,) = policy.properties["PolicyDocument"]["Statement"]

    machine = demo.state_machine("training").logical_id
    assert flat(statement["Resource"]).endswith(f":execution:{machine}.Name:*")
    assert policy.properties["Roles"] == [{"Ref": demo.role(demo.function("start_training")).logical_id}]


def test_training_metrics_are_bound_to_sagemakers_namespace(demo: Assembly) -> None:
    (statement,) = [s for _, s in all_statements(demo) if s["Action"] == "cloudwatch:PutMetricData"]

    assert statement["Condition"] == {"StringEquals": {"cloudwatch:namespace": "/aws/sagemaker/TrainingJobs"}}


def test_only_the_training_role_is_passed_and_only_to_sagemaker(demo: Assembly) -> None:
    (statement,) = [s for _, s in all_statements(demo) if s["Action"] == "iam:PassRole"]

    role = demo.referred(statement["Resource"], stack="alsolike-demo-training")
    principal = role.properties["AssumeRolePolicyDocument"]["Statement"][0]["Principal"]
    assert principal == {"Service": "sagemaker.amazonaws.com"}
    assert statement["Condition"] == {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}


def test_training_job_reads_datasets_and_code_and_writes_its_output(demo: Assembly) -> None:
    (role,) = [
        role
        for role in demo.of_type("AWS::IAM::Role")
        if "sagemaker.amazonaws.com" in str(role.properties["AssumeRolePolicyDocument"])
    ]

    objects = {(a, r) for a, r in granted(role) if a in ("s3:GetObject", "s3:PutObject", "s3:DeleteObject")}

    assert objects == {
        ("s3:GetObject", "Artefacts/datasets/*"),
        ("s3:GetObject", "Code"),
        ("s3:PutObject", "Artefacts/training/alsolike-*"),
        ("s3:PutObject", "Artefacts/training/*/checkpoints/*"),
        ("s3:GetObject", "Artefacts/training/*/checkpoints/*"),
    }
