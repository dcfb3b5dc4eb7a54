"""The Step Functions workflow of an erasure: wait, purge, and search again until nothing is found."""

import aws_cdk as cdk
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from infra_cdk.constructs.attempts import LAMBDA_TRANSIENT, Attempts
from infra_cdk.constructs.log_group import log_group
from infra_cdk.constructs.permissions import Permission, role_for
from infra_cdk.constructs.workflow_permissions import check_traces, workflow_output
from infra_cdk.settings import Settings

# A Lambda runs for 15 minutes at most. A purge may be repeated after any failure: each call takes up where another
# one ended.
_PURGE = Attempts(timeout_s=960, first_pause_s=5, retries=5)
_NOTIFICATION = Attempts(timeout_s=300)
_LONGEST = cdk.Duration.days(14)


class ErasureWorkflow(Construct):
    """The state machine; its input is ``{"erasure_id": ...}``, and it never sees the user's id."""

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
            comment="Whatever began before everybody knew has ended then",
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
        role = role_for(
            self,
            "Role",
            service="states.amazonaws.com",
            description=f"Alsolike {settings.name}: what the erasure's workflow may do",
            permissions=[
                Permission(actions=["lambda:InvokeFunction"], resources=[purge_user.function_arn]),
                Permission(actions=["sns:Publish"], resources=[alerts.topic_arn]),
                *workflow_output(traces=settings.tracing),
            ],
        )
        self.state_machine = sfn.StateMachine(
            self,
            "StateMachine",
            definition_body=sfn.DefinitionBody.from_chainable(settle),
            role=role.without_policy_updates(),
            tracing_enabled=settings.tracing,
            logs=sfn.LogOptions(
                destination=log_group(self, "Log", settings=settings),
                level=sfn.LogLevel.ALL,
                include_execution_data=True,
            ),
            timeout=_LONGEST,
        )
        check_traces(self.state_machine, traces=settings.tracing)

    def _purge(self, function: lambda_.IFunction, *, alerts: sns.ITopic) -> tasks.LambdaInvoke:
        purge = tasks.LambdaInvoke(
            self,
            "Purge",
            lambda_function=function,
            payload=sfn.TaskInput.from_object({"erasure_id.$": "$.erasure_id"}),
            result_selector={"outcome.$": "$.Payload.outcome"},
            result_path="$.purge",
            retry_on_service_exceptions=False,
            task_timeout=_PURGE.timeout,
        )
        _PURGE.repeat(purge, [*LAMBDA_TRANSIENT, "States.TaskFailed", "States.Timeout"], jitter=sfn.JitterType.FULL)
        notify = tasks.SnsPublish(
            self,
            "NotifyFailure",
            topic=alerts,
            subject=f"Alsolike {self._settings.name}: erasure failed",
            message=sfn.TaskInput.from_object(
                {
                    "environment": self._settings.name,
                    "execution.$": "$$.Execution.Id",
                    "event": "erasure failed",
                    "error.$": "$.error",
                }
            ),
            result_path=sfn.JsonPath.DISCARD,
            task_timeout=_NOTIFICATION.timeout,
        )
        _NOTIFICATION.repeat(notify, ["States.ALL"])
        notify.next(sfn.Fail(self, "Failed", error="ErasureFailed", cause_path="$.error.Cause"))
        purge.add_catch(notify, errors=["States.ALL"], result_path="$.error")
        return purge
