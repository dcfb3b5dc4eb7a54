"""Steps that run a job and wait for its end; neither is tried again once it ran: the same data would fail again."""

import aws_cdk as cdk
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra_cdk.constructs.retry_policy import Attempts
from infra_cdk.constructs.spark_job import SparkJob
from infra_cdk.constructs.training_job import TrainingJob

SAGEMAKER_REFUSALS = ("SageMaker.AmazonSageMakerException", "SageMaker.ResourceLimitExceededException")
"""Errors of a job that SageMaker did not start, for example because the account has no quota."""
# Glue has no more capacity, or another run of the job has not ended yet.
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
    """Train on the dataset of `$.dataset`; the bundle is noted in `$.training`."""
    # The CDK's own task has no ContainerEntrypoint, and would widen the job's role by itself.
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
    """Build the dataset that the function builds, past what one process holds; the run is noted in `$.dataset`."""
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
