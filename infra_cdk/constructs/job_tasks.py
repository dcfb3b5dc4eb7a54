"""Workflow steps that start a job and wait for its end.

The steps retry only failed starts. A job that ran and failed would fail again on the same data.
"""

import aws_cdk as cdk
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra_cdk.constructs.spark_job import SparkJob
from infra_cdk.constructs.training_job import TrainingJob
from infra_cdk.constructs.workflow_steps import Attempts

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
