"""Workflow that detects resources whose properties differ from the template."""

from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from infra_cdk.constructs.nag_suppressions import acknowledge
from infra_cdk.constructs.permissions import Permission
from infra_cdk.constructs.state_machine import state_machine
from infra_cdk.constructs.workflow_steps import Attempts, notify
from infra_cdk.settings import Settings

_CALL = Attempts(timeout_s=60)
_PAUSE_S = 60
_LONGEST = cdk.Duration.hours(6)
_DATA_READS = (
    "dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:GetRecords", "dynamodb:Query", "dynamodb:Scan",
    "kinesis:GetRecords", "logs:FilterLogEvents", "logs:GetLogEvents", "s3:GetObject", "s3:GetObjectVersion",
)  # fmt: skip


class StackDrift(Construct):
    """State machine on a schedule. It notifies operators of failed checks and of stacks that differ from templates."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        schedule: str,
        stacks: Sequence[str],
        alerts: sns.ITopic,
    ) -> None:
        super().__init__(scope, construct_id)
        stack = cdk.Stack.of(self)
        each = sfn.Map(self, "Stacks", items_path="$.stacks", max_concurrency=1, result_path=sfn.JsonPath.DISCARD)
        each.item_processor(self._detection(settings=settings, alerts=alerts))
        arns = [stack.format_arn(service="cloudformation", resource="stack", resource_name=f"{n}/*") for n in stacks]
        self.state_machine, role = state_machine(
            self,
            sfn.Pass(self, "Names", parameters={"stacks": list(stacks)}).next(each),
            settings=settings,
            description="permissions of the drift detection",
            permissions=[
                Permission(
                    actions=["cloudformation:DetectStackDrift"],
                    resources=arns,
                    wildcard_reason="CloudFormation adds an ID to the name of a stack",
                ),
                Permission(
                    actions=["cloudformation:DescribeStackDriftDetectionStatus"],
                    resources=["*"],
                    wildcard_reason="The action has no resources",
                ),
                Permission(actions=["sns:Publish"], resources=[alerts.topic_arn]),
                Permission(actions=_DATA_READS, resources=["*"], effect=iam.Effect.DENY),
            ],
            timeout=_LONGEST,
        )
        # CloudFormation reads each resource with the permissions of the caller.
        role.add_managed_policy(iam.ManagedPolicy.from_aws_managed_policy_name("ReadOnlyAccess"))
        acknowledge(
            role,
            finding="AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/ReadOnlyAccess]",
            reason="A drift detection reads the properties of all resources; a denial excludes their data",
        )
        events.Rule(
            self,
            "Schedule",
            description=f"Alsolike {settings.name}: detect drift of the stacks",
            schedule=events.Schedule.expression(schedule),
            targets=[targets.SfnStateMachine(self.state_machine, retry_attempts=8)],
        )

    def _detection(self, *, settings: Settings, alerts: sns.ITopic) -> sfn.IChainable:
        detect = self._call("Detect", "detectStackDrift", {"StackName": sfn.JsonPath.string_at("$")})
        wait = sfn.Wait(self, "Wait", time=sfn.WaitTime.duration(cdk.Duration.seconds(_PAUSE_S)))
        look = self._call(
            "Look",
            "describeStackDriftDetectionStatus",
            {"StackDriftDetectionId": sfn.JsonPath.string_at("$.StackDriftDetectionId")},
        )
        notified = notify(
            self,
            "NotifyDrift",
            alerts,
            environment=settings.name,
            event="stack differs from its template",
            facts={"detection.$": "$", "more": "aws cloudformation describe-stack-resource-drifts --stack-name STACK"},
        )
        failed = notify(
            self,
            "NotifyFailure",
            alerts,
            environment=settings.name,
            event="drift of a stack could not be detected",
            facts={"stack.$": "$$.Map.Item.Value", "failure.$": "$"},
        )
        for call in (detect, look):
            call.add_catch(failed)
        state = (
            sfn.Choice(self, "State")
            .when(sfn.Condition.string_equals("$.DetectionStatus", "DETECTION_IN_PROGRESS"), wait)
            .when(
                sfn.Condition.and_(
                    sfn.Condition.is_present("$.StackDriftStatus"),
                    sfn.Condition.string_equals("$.StackDriftStatus", "IN_SYNC"),
                ),
                sfn.Succeed(self, "InSync"),
            )
            .otherwise(notified)
        )
        return detect.next(wait).next(look).next(state)

    def _call(self, construct_id: str, action: str, parameters: dict[str, str]) -> tasks.CallAwsService:
        task = tasks.CallAwsService(
            self,
            construct_id,
            service="cloudformation",
            action=action,
            parameters=parameters,
            iam_resources=["*"],
            task_timeout=_CALL.timeout,
        )
        _CALL.repeat(task, ["States.ALL"])
        return task
