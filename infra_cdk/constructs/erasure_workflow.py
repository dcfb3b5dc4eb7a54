"""Step Functions workflow of an erasure: wait, purge, and repeat until a search finds no data of the user."""

import aws_cdk as cdk
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from infra_cdk.constructs.permissions import Permission
from infra_cdk.constructs.state_machine import state_machine
from infra_cdk.constructs.workflow_steps import Attempts, call, notify
from infra_cdk.settings import Settings

# A Lambda function runs for at most 15 minutes. Each call continues the previous call, so a purge can be retried
# after any error.
_PURGE = Attempts(timeout_s=960, first_pause_s=5, retries=5)
_LONGEST = cdk.Duration.days(14)


class ErasureWorkflow(Construct):
    """State machine with the input `{"erasure_id": ...}`. Its data never contains a user ID."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        purge_user: lambda_.IFunction,
        alerts: sns.ITopic,
    ) -> None:
        super().__init__(scope, construct_id)
        self._settings = settings
        settle = sfn.Wait(
            self,
            "Settle",
            time=sfn.WaitTime.duration(cdk.Duration.seconds(settings.erasure_settle_s)),
            comment="After this wait, all calls that did not know of the erasure have ended",
        )
        purge = self._purge(purge_user, alerts=alerts)
        outcome = (
            sfn.Choice(self, "Outcome")
            .when(sfn.Condition.string_equals("$.purge.outcome", "more"), purge)
            .when(sfn.Condition.string_equals("$.purge.outcome", "again"), settle)
            .otherwise(sfn.Succeed(self, "Erased"))
        )
        settle.next(purge)
        purge.next(outcome)
        self.state_machine, _ = state_machine(
            self,
            settle,
            settings=settings,
            description="permissions of the erasure workflow",
            permissions=[
                Permission(actions=["lambda:InvokeFunction"], resources=[purge_user.function_arn]),
                Permission(actions=["sns:Publish"], resources=[alerts.topic_arn]),
            ],
            timeout=_LONGEST,
        )

    def _purge(self, function: lambda_.IFunction, *, alerts: sns.ITopic) -> tasks.LambdaInvoke:
        purge = call(
            self,
            "Purge",
            function,
            _PURGE,
            payload={"erasure_id.$": "$.erasure_id"},
            fields=("outcome",),
            result_path="$.purge",
            transient=("States.TaskFailed", "States.Timeout"),
        )
        notified = notify(
            self,
            "NotifyFailure",
            alerts,
            environment=self._settings.name,
            event="erasure failed",
            facts={"error.$": "$.error"},
        )
        notified.next(sfn.Fail(self, "Failed", error="ErasureFailed", cause_path="$.error.Cause"))
        purge.add_catch(notified, errors=["States.ALL"], result_path="$.error")
        return purge
