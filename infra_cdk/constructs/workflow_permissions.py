"""Permissions of workflows."""

from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from aws_cdk import aws_stepfunctions as sfn

from infra_cdk.constructs.nag_suppressions import acknowledge
from infra_cdk.constructs.permissions import Permission
from infra_cdk.constructs.training_job import TrainingJob


def workflow_permissions(
    *,
    functions: Sequence[lambda_.IFunction],
    job: TrainingJob,
    spark_arn: str | None,
    alerts: sns.ITopic,
) -> list[Permission]:
    stack = cdk.Stack.of(job)
    return [
        Permission(actions=["lambda:InvokeFunction"], resources=[function.function_arn for function in functions]),
        Permission(actions=["sns:Publish"], resources=[alerts.topic_arn]),
        Permission(
            actions=[
                "sagemaker:CreateTrainingJob",
                "sagemaker:DescribeTrainingJob",
                "sagemaker:StopTrainingJob",
                "sagemaker:AddTags",
                # https://docs.aws.amazon.com/step-functions/latest/dg/connect-sagemaker.html
                "sagemaker:ListTags",
            ],
            resources=[stack.format_arn(service="sagemaker", resource="training-job", resource_name=job.names)],
            wildcard_reason="Each run's training job has a new name; the prefix is that of the environment",
        ),
        Permission(
            actions=["iam:PassRole"],
            resources=[job.role.role_arn],
            conditions={"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}},
        ),
        # https://docs.aws.amazon.com/step-functions/latest/dg/connect-glue.html
        *(
            [
                Permission(
                    actions=["glue:StartJobRun", "glue:GetJobRun", "glue:GetJobRuns", "glue:BatchStopJobRun"],
                    resources=[spark_arn],
                )
            ]
            if spark_arn
            else []
        ),
        # Step Functions creates a rule with this name to be notified of the end of a job.
        Permission(
            actions=["events:PutTargets", "events:PutRule", "events:DescribeRule"],
            resources=[
                stack.format_arn(
                    service="events",
                    resource="rule",
                    resource_name="StepFunctionsGetEventsForSageMakerTrainingJobsRule",
                )
            ],
        ),
    ]


def workflow_output(*, traces: bool) -> list[Permission]:
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


def check_traces(machine: sfn.StateMachine, *, traces: bool) -> None:
    """Acknowledge cdk-nag's finding on a workflow without traces if the setting turns traces off."""
    if not traces:
        acknowledge(
            machine,
            finding="AwsSolutions-SF2",
            reason="The environment's setting tracing is off; the log contains each step",
        )
