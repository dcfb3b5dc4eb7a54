"""State machines with role, log and traces. No other module creates state machines."""

from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra_cdk.constructs.log_group import log_group
from infra_cdk.constructs.nag_suppressions import acknowledge
from infra_cdk.constructs.permissions import Permission, colon_arn, role_for
from infra_cdk.settings import Settings


def executions_of(scope: Construct, machine: sfn.StateMachine) -> str:
    """Return the ARN pattern of all executions of a machine, for a policy in `scope`."""
    stack, name = cdk.Stack.of(scope), machine.state_machine_name
    if (producer := cdk.Stack.of(machine)) is not stack:
        # cdk-nag's finding contains the exported name, and `acknowledge_wildcard` must match the finding.
        name = producer.export_value(name)
    return colon_arn(scope, "states", "execution", f"{name}:*")


def state_machine(
    scope: Construct,
    definition: sfn.IChainable,
    *,
    settings: Settings,
    description: str,
    permissions: Sequence[Permission],
    timeout: cdk.Duration,
) -> tuple[sfn.StateMachine, iam.Role]:
    """Create a state machine that logs every step, and its role. Permissions for the log and traces are added."""
    role = role_for(
        scope,
        "Role",
        service="states.amazonaws.com",
        description=f"Alsolike {settings.name}: {description}",
        permissions=[*permissions, *_output(traces=settings.tracing)],
    )
    machine = sfn.StateMachine(
        scope,
        "StateMachine",
        definition_body=sfn.DefinitionBody.from_chainable(definition),
        role=role.without_policy_updates(),
        tracing_enabled=settings.tracing,
        logs=sfn.LogOptions(
            destination=log_group(scope, "Log", settings=settings, delivered_by="states"),
            level=sfn.LogLevel.ALL,
            # The data of executions contains keys of objects instead of user IDs.
            include_execution_data=True,
        ),
        timeout=timeout,
    )
    if not settings.tracing:
        acknowledge(
            machine,
            finding="AwsSolutions-SF2",
            reason="The environment's setting tracing is off; the log contains each step",
        )
    return machine, role


def _output(*, traces: bool) -> list[Permission]:
    # https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html#cloudwatch-iam-policy
    output = [
        Permission(
            actions=[
                "logs:CreateLogDelivery",
                "logs:GetLogDelivery",
                "logs:UpdateLogDelivery",
                "logs:DeleteLogDelivery",
                "logs:ListLogDeliveries",
                "logs:PutResourcePolicy",
                "logs:DescribeResourcePolicies",
                "logs:DescribeLogGroups",
            ],
            resources=["*"],
            wildcard_reason="AWS documents * for the delivery of a workflow's log",
        )
    ]
    if traces:
        output.append(
            Permission(
                actions=[
                    "xray:PutTraceSegments",
                    "xray:PutTelemetryRecords",
                    "xray:GetSamplingRules",
                    "xray:GetSamplingTargets",
                ],
                resources=["*"],
                wildcard_reason="X-Ray has no resources",
            )
        )
    return output
