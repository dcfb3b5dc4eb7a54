"""Step Functions workflow of a training: dataset, training job, gate and canary. Failures notify the operators."""

from collections.abc import Mapping, Sequence
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from infra_cdk.constructs.permissions import Permission
from infra_cdk.constructs.spark_job import SparkJob
from infra_cdk.constructs.state_machine import state_machine
from infra_cdk.constructs.training_job import TrainingJob
from infra_cdk.constructs.workflow_steps import NOTIFICATION, Attempts, call, notify
from infra_cdk.settings import Settings

SAGEMAKER_REFUSALS = ("SageMaker.AmazonSageMakerException", "SageMaker.ResourceLimitExceededException")
"""Errors of SageMaker when it cannot start a job, for example because of a quota."""
# Temporary errors of Glue, for example because of a lack of capacity, or because another run has not ended.
_GLUE_TRANSIENT = [
    "Glue.ConcurrentRunsExceededException",
    "Glue.InternalServiceException",
    "Glue.OperationTimeoutException",
    "Glue.ResourceNumberLimitExceededException",
    "Glue.ThrottlingException",
]


def train(
    scope: Construct, job: TrainingJob, attempts: Attempts, *, construct_id: str = "Train", spot: bool
) -> sfn.CustomState:
    """Return a step that trains on the dataset in `$.dataset`. The step writes the job's name and the S3 URI of the
    model to `$.training`.
    """
    # The CDK's task does not support ContainerEntrypoint and would extend the job's role.
    task = sfn.CustomState(
        scope,
        construct_id,
        state_json={
            "Type": "Task",
            "Resource": f"arn:{cdk.Aws.PARTITION}:states:::sagemaker:createTrainingJob.sync",
            "Parameters": job.request(run_id="$.start.run_id", dataset_s3_uri="$.dataset.dataset_s3_uri", spot=spot),
            "ResultSelector": {
                "job_name.$": "$.TrainingJobName",
                "model_data_s3_uri.$": "$.ModelArtifacts.S3ModelArtifacts",
            },
            "ResultPath": "$.training",
            "TimeoutSeconds": attempts.timeout_s,
        },
    )
    attempts.repeat(task, SAGEMAKER_REFUSALS)
    return task


def build_on_spark(scope: Construct, spark: SparkJob, attempts: Attempts) -> sfn.CustomState:
    """Return a step that builds a dataset on Spark, for data that exceeds one process's memory. The step writes the ID
    of the Glue job run to `$.dataset`.
    """
    task = sfn.CustomState(
        scope,
        "BuildDatasetOnSpark",
        state_json={
            "Type": "Task",
            "Resource": f"arn:{cdk.Aws.PARTITION}:states:::glue:startJobRun.sync",
            "Parameters": spark.run(
                run_id="$.start.run_id",
                started_ms="$.start.started_ms",
                dataset_s3_uri="$.start.dataset_s3_uri",
            ),
            "ResultSelector": {"job_run_id.$": "$.Id"},
            "ResultPath": "$.dataset",
            "TimeoutSeconds": attempts.timeout_s,
        },
    )
    attempts.repeat(task, _GLUE_TRANSIENT)
    return task


# Retried errors of the functions, from `alsolike/runtime/errors.py`.
_TRANSIENT = ["Unavailable", "ConcurrentUpdate"]
# A Lambda function runs for at most 15 minutes.
_FUNCTION = Attempts(timeout_s=960)
_RUN_ID = {"run_id.$": "$.start.run_id"}


class TrainingWorkflow(Construct):
    """State machine with its schedule.

    The final state contains the results of the steps that ran: `start`, `dataset`, `training`, `registration` and
    `canary`.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        functions: Mapping[str, lambda_.IFunction],
        job: TrainingJob,
        spark: SparkJob | None,
        alerts: sns.ITopic,
    ) -> None:
        super().__init__(scope, construct_id)
        self._settings = settings
        # Time limit of the job plus half an hour, in which SageMaker starts an instance and uploads the results.
        self._training = Attempts(timeout_s=settings.training_wait_s + 1_800, first_pause_s=30)
        # Time limit of the job plus a quarter of an hour, in which Glue starts the workers.
        self._spark = Attempts(timeout_s=60 * settings.spark_timeout_minutes + 900, first_pause_s=30)
        self._alerts = alerts
        failed = sfn.Fail(self, "Failed", error="TrainingFailed", cause_path="$.failure.cause")
        self._failed = self._notify("NotifyFailure", "training failed", {"failure.$": "$.failure"})
        # If the notification fails, the execution still fails with the original cause.
        self._failed.add_catch(failed, errors=["States.ALL"], result_path=sfn.JsonPath.DISCARD)
        self._failed.next(failed)

        started = self._invoke(
            "StartTraining",
            functions["start_training"],
            payload={
                "execution_id.$": "$$.Execution.Id",
                "started_at.$": "$$.Execution.StartTime",
                "input.$": "$$.Execution.Input",
            },
            fields=("run_id", "started_ms", "first", "engine", "reason", "version", "dataset_s3_uri"),
            result_path="$.start",
            failure={"run_id": ""},
            # The error replaces the input, because an input that is not an object cannot have a field for the error.
            error_path="$",
        )
        built = self._invoke(
            "BuildDataset",
            functions["build_dataset"],
            payload={"run_id.$": "$.start.run_id", "started_ms.$": "$.start.started_ms"},
            # A Spark job returns no numbers of rows. Therefore, only the fields that `DatasetOfSpark` also sets are
            # kept.
            fields=("run_id", "dataset_s3_uri"),
            result_path="$.dataset",
        )
        trained = train(self, job, self._training, spot=settings.training_spot)
        on_demand = None
        if settings.training_spot:
            on_demand = train(self, job, self._training, construct_id="TrainOnDemand", spot=False)
            # Many new accounts have a quota of 0 for spot instances. On-demand instances have a separate quota.
            trained.add_catch(on_demand, errors=list(SAGEMAKER_REFUSALS), result_path="$.error")
            self._catch(on_demand, then=self._failed)
        self._catch(trained, then=self._failed)
        registered = self._invoke(
            "RegisterModel",
            functions["register_model"],
            payload={
                "run_id.$": "$.start.run_id",
                "model_data_s3_uri.$": "$.training.model_data_s3_uri",
                "training_job_name.$": "$.training.job_name",
            },
            fields=("version", "verdict", "reasons", "decision_s3_uri"),
            result_path="$.registration",
        )
        rejected = self._notify("NotifyRejection", "model rejected", {"registration.$": "$.registration"})
        waiting = self._notify("NotifyWaiting", "model waits for evidence", {"registration.$": "$.registration"})
        canary = self._canary(functions["run_canary"])
        decision = (
            sfn.Choice(self, "Decision")
            .when(sfn.Condition.string_equals("$.registration.verdict", "approved"), canary)
            .when(
                sfn.Condition.string_equals("$.registration.verdict", "waiting"),
                waiting.next(sfn.Succeed(self, "Waiting")),
            )
            .otherwise(rejected.next(sfn.Succeed(self, "Rejected")))
        )
        first = (
            sfn.Choice(self, "First")
            .when(sfn.Condition.string_equals("$.start.first", "busy"), sfn.Succeed(self, "Busy"))
            .when(sfn.Condition.string_equals("$.start.first", "canary"), canary)
        )
        if spark is not None:
            first.when(
                sfn.Condition.string_equals("$.start.engine", "spark"), self._build_on_spark(spark, then=trained)
            )
        first.otherwise(built)
        built.next(trained).next(registered).next(decision)
        if on_demand is not None:
            on_demand.next(registered)
        self.state_machine, _ = state_machine(
            self,
            started.next(first),
            settings=settings,
            description="permissions of the training workflow",
            permissions=_permissions(
                functions=[*functions.values()], job=job, spark_arn=spark.arn if spark else None, alerts=alerts
            ),
            timeout=self._execution_timeout,
        )
        self._schedule()

    def _canary(self, run_canary: lambda_.IFunction) -> sfn.IChainable:
        """Return the steps of a canary. A failed step ends the canary, because no later step would check the canary."""

        def step(
            construct_id: str,
            action: str,
            *,
            failure: Mapping[str, str] = _RUN_ID,
            fails_to: sfn.IChainable | None = None,
        ) -> tasks.LambdaInvoke:
            return self._invoke(
                construct_id,
                run_canary,
                payload={
                    "action": action,
                    "version.$": "$.start.version",
                    "run_id.$": "$.start.run_id",
                    "reason.$": "$.start.reason",
                },
                fields=("version", "state", "reasons"),
                result_path="$.canary",
                failure=failure,
                fails_to=fails_to,
            )

        end = step("EndCanary", "end", failure={**_RUN_ID, "after.$": "$.failure"})
        end.next(self._failed)

        wait = sfn.Wait(
            self,
            "WaitForAnswers",
            time=sfn.WaitTime.duration(cdk.Duration.seconds(self._settings.canary_interval_s)),
        )
        rolled_back = self._notify("NotifyRollback", "canary rolled back", {"canary.$": "$.canary"})
        state = (
            sfn.Choice(self, "StateOfCanary")
            .when(sfn.Condition.string_equals("$.canary.state", "promoted"), sfn.Succeed(self, "Promoted"))
            .when(sfn.Condition.string_equals("$.canary.state", "going"), wait)
            .otherwise(rolled_back.next(sfn.Succeed(self, "RolledBack")))
        )
        wait.next(step("LookAtCanary", "look", fails_to=end)).next(state)
        return step("StartCanary", "start", fails_to=end).next(state)

    def _invoke(
        self,
        construct_id: str,
        function: lambda_.IFunction,
        *,
        payload: dict[str, Any],
        fields: tuple[str, ...],
        result_path: str,
        failure: Mapping[str, str] = _RUN_ID,
        fails_to: sfn.IChainable | None = None,
        error_path: str = "$.error",
    ) -> tasks.LambdaInvoke:
        """Return a step that calls a function.

        If the call fails, the error is written to `error_path` and, with the fields `failure`, to `$.failure`. The next
        step is `fails_to`. If `fails_to` is None, the next step notifies the operators.
        """
        task = call(
            self,
            construct_id,
            function,
            _FUNCTION,
            payload=payload,
            fields=fields,
            result_path=result_path,
            transient=_TRANSIENT,
        )
        self._catch(task, failure=failure, then=fails_to or self._failed, error_path=error_path)
        return task

    def _catch(
        self,
        task: tasks.LambdaInvoke | sfn.CustomState,
        *,
        then: sfn.IChainable,
        failure: Mapping[str, str] = _RUN_ID,
        error_path: str = "$.error",
    ) -> None:
        """Write the failed step and its error to `$.failure`, then continue with `then`."""
        noted = sfn.Pass(
            self,
            f"{task.node.id}Failed",
            parameters={
                "state": task.node.id,
                **failure,
                "error.$": f"{error_path}.Error",
                "cause.$": f"{error_path}.Cause",
            },
            result_path="$.failure",
        )
        task.add_catch(noted.next(then), errors=["States.ALL"], result_path=error_path)

    def _build_on_spark(self, spark: SparkJob, *, then: sfn.IChainable) -> sfn.IChainable:
        """Return steps that build the dataset on Spark and write the fields of `build_dataset` and `job_run_id` to
        `$.dataset`.
        """
        task = build_on_spark(self, spark, self._spark)
        self._catch(task, then=self._failed)
        built = sfn.Pass(
            self,
            "DatasetOfSpark",
            parameters={
                "run_id.$": "$.start.run_id",
                "dataset_s3_uri.$": "$.start.dataset_s3_uri",
                "job_run_id.$": "$.dataset.job_run_id",
            },
            result_path="$.dataset",
        )
        return task.next(built).next(then)

    def _notify(self, construct_id: str, event: str, facts: dict[str, Any]) -> tasks.SnsPublish:
        return notify(
            self,
            construct_id,
            self._alerts,
            environment=self._settings.name,
            event=event,
            facts={**facts, "more": f"alsolike status --env {self._settings.name}"},
        )

    @property
    def _execution_timeout(self) -> cdk.Duration:
        """Time limit of an execution.

        The limit is long, because an execution that times out does not run NotifyFailure.
        """
        return cdk.Duration.seconds(
            6 * _FUNCTION.longest_s
            + 2 * self._training.longest_s
            + self._spark.longest_s
            + NOTIFICATION.longest_s
            + 2 * self._settings.canary_duration_s
        )

    def _schedule(self) -> None:
        if self._settings.training_schedule is None:
            return
        events.Rule(
            self,
            "Schedule",
            description=f"Alsolike {self._settings.name}: train on the events since the last training",
            schedule=events.Schedule.expression(self._settings.training_schedule),
            targets=[
                targets.SfnStateMachine(
                    self.state_machine,
                    input=events.RuleTargetInput.from_object({"trigger": "schedule"}),
                    retry_attempts=8,
                    max_event_age=cdk.Duration.hours(2),
                )
            ],
        )


def _permissions(
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
        # Step Functions creates a rule with this name, which notifies it of the end of a training job.
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
