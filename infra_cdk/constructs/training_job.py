"""SageMaker training job: its container, inputs and permissions."""

from pathlib import Path
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_s3_assets as assets
from constructs import Construct

from alsolike.declarations.storage import DATASETS_PREFIX, TRAINING_LOG_GROUP, TRAINING_PREFIX
from infra_cdk.constructs.network import TRAINING_ACTIONS, Network, network_permission
from infra_cdk.constructs.own_algorithms import check_algorithms, package_folder
from infra_cdk.constructs.permissions import Permission, asset_key, colon_arn, objects, role_for
from infra_cdk.constructs.python_layers import training_packages
from infra_cdk.constructs.sentence_model import sentence_model_folder
from infra_cdk.regions import repository_arn
from infra_cdk.settings import Settings

ROOT = Path(__file__).parents[2]
_RUN_IDS = "????????t??????-*"
"""Wildcard pattern of run IDs in IAM policies. It matches, for example, 20260301t040506-8cb309."""

# Entry point that replaces the training toolkit of AWS's container. It unpacks the CDK's zip file from the channel
# `code` and runs the script in it. SageMaker limits arguments to 256 characters in one line.
_START = (
    "set -e; cd /opt/ml/input/data/code; python3 -m zipfile -e *.zip /opt/ml/code;"
    " exec sh /opt/ml/code/model_export/entrypoint.sh"
)


class TrainingJob(Construct):
    """Request and role of a training job.

    Attributes
    ----------
    names
        Wildcard pattern of the environment's job names. Jobs of an environment `shop-2` do not match the pattern of
        `shop`.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        artefacts: s3.IBucket,
        encryption: kms.IKey | None,
        layers: Path,
        network: Network | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        self._settings = settings
        self._artefacts = artefacts
        self._encryption = encryption
        self._network = network
        self._prefix = f"alsolike-{settings.name}-"
        self.names = f"{self._prefix}{_RUN_IDS}"
        self._code = assets.Asset(
            self,
            "Code",
            path=str(ROOT),
            ignore_mode=cdk.IgnoreMode.GIT,
            exclude=[
                "/*",
                "!/model_export",
                "!/layers",
                "/layers/*",
                "!/layers/core",
                "/layers/core/*",
                "!/layers/core/python",
                "__pycache__",
            ],
        )
        check_algorithms(settings)
        folders = (
            ("package", "Package", package_folder(settings)),
            ("sentence_model", "SentenceModel", sentence_model_folder(settings)),
            ("packages", "Packages", training_packages(settings, layers)),
        )
        self._optional_channels = {
            channel: assets.Asset(self, asset_id, path=str(folder), exclude=["__pycache__", "*.pyc"])
            for channel, asset_id, folder in folders
            if folder
        }
        self.role = role_for(
            self,
            "Role",
            service="sagemaker.amazonaws.com",
            description=f"Alsolike {settings.name}: permissions of training jobs",
            permissions=self._permissions(),
        )

    def request(self, *, run_id: str, dataset_s3_uri: str, spot: bool) -> dict[str, Any]:
        """Return the parameters of `CreateTrainingJob`.

        `run_id` and `dataset_s3_uri` are JSONPath expressions on the workflow's state.
        """
        settings = self._settings
        checkpoints = f"'s3://{{}}/{TRAINING_PREFIX}{{}}/checkpoints/', '{self._artefacts.bucket_name}', {run_id}"
        return {
            "TrainingJobName.$": f"States.Format('{self._prefix}{{}}', {run_id})",
            "RoleArn": self.role.role_arn,
            "AlgorithmSpecification": {
                "TrainingImage": settings.image,
                "TrainingInputMode": "File",
                "ContainerEntrypoint": ["sh", "-c", _START],
                "MetricDefinitions": [
                    {"Name": "ndcg@10", "Regex": "ndcg_at_10=([0-9.]+)"},
                    {"Name": "hr@10", "Regex": "hr_at_10=([0-9.]+)"},
                ],
            },
            "HyperParameters": {"run_id.$": run_id, **self._hyperparameters()},
            "InputDataConfig": [
                _channel("dataset", {"S3Uri.$": dataset_s3_uri}),
                _channel("code", {"S3Uri": self._code.s3_object_url}),
                *(_channel(name, {"S3Uri": asset.s3_object_url}) for name, asset in self._optional_channels.items()),
            ],
            "OutputDataConfig": {
                "S3OutputPath": self._artefacts.s3_url_for_object(TRAINING_PREFIX),
                **({"KmsKeyId": self._encryption.key_arn} if self._encryption else {}),
            },
            "ResourceConfig": {
                "InstanceCount": 1,
                "InstanceType": settings.training_instance_type,
                "VolumeSizeInGB": settings.training_volume_gb,
                # SageMaker refuses a key for local disks, which the hardware of the machine encrypts.
                **(
                    {"VolumeKmsKeyId": self._encryption.key_arn}
                    if self._encryption and not settings.training_has_local_disk
                    else {}
                ),
            },
            # The retries also apply to on-demand capacity: SageMaker then restarts a job after an internal failure.
            "RetryStrategy": {"MaximumRetryAttempts": 2},
            "CheckpointConfig": {"S3Uri.$": f"States.Format({checkpoints})"},
            "EnableManagedSpotTraining": spot,
            # Without a network, packages come from a channel or the image. SageMaker transfers channels and results.
            **({} if settings.training_network else {"EnableNetworkIsolation": True}),
            **(
                {
                    "VpcConfig": {
                        "SecurityGroupIds": [self._network.security_group_id],
                        "Subnets": self._network.subnet_ids,
                    }
                }
                if self._network
                else {}
            ),
            "StoppingCondition": {
                "MaxRuntimeInSeconds": settings.training_max_runtime_s,
                **({"MaxWaitTimeInSeconds": settings.training_max_wait_s} if spot else {}),
            },
            "Tags": [{"Key": "alsolike:environment", "Value": settings.name}],
        }

    def _hyperparameters(self) -> dict[str, str]:
        """Return settings as the job's hyperparameters, which are strings; see `model_export.job.hyperparameters`."""
        settings = self._settings
        values = {
            "algorithms": ",".join(settings.training_algorithms) or None,
            "budget_s": settings.training_budget_s or settings.training_max_runtime_s // 2,
            "budget_mb": settings.training_budget_mb,
            "objective": ",".join(settings.training_objective) or None,
            "public_lists": None if settings.static_lists_schedule is None else "true",
        }
        return {name: str(value) for name, value in values.items() if value is not None}

    def _permissions(self) -> list[Permission]:
        code, artefacts = self._code, self._artefacts
        sources = [code, *self._optional_channels.values()]
        log_groups = colon_arn(self, "logs", "log-group", f"{TRAINING_LOG_GROUP}*")
        return [
            objects(
                artefacts, DATASETS_PREFIX, actions=["s3:GetObject"], reason="Each run reads the dataset built for it"
            ),
            Permission(
                actions=["s3:GetObject"],
                resources=[source.bucket.arn_for_objects(source.s3_object_key) for source in sources],
            ),
            Permission(actions=["s3:ListBucket"], resources=[artefacts.bucket_arn, code.bucket.bucket_arn]),
            objects(
                artefacts,
                f"{TRAINING_PREFIX}{self._prefix}",
                actions=["s3:PutObject", "s3:AbortMultipartUpload"],
                reason="Each run writes below the name of its job, which is new",
            ),
            objects(
                artefacts,
                TRAINING_PREFIX,
                actions=["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload"],
                suffix="/checkpoints/*",
                reason="Each run resumes from its own checkpoints after an interruption",
            ),
            Permission(
                actions=["logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
                resources=[log_groups],
                wildcard_reason="SageMaker names the log streams of its jobs",
            ),
            Permission(
                actions=["cloudwatch:PutMetricData"],
                resources=["*"],
                conditions={"StringEquals": {"cloudwatch:namespace": "/aws/sagemaker/TrainingJobs"}},
                wildcard_reason="CloudWatch metrics have no resources; the namespace limits them",
            ),
            Permission(
                actions=["ecr:GetAuthorizationToken"],
                resources=["*"],
                wildcard_reason="ECR's authorization token does not belong to a repository",
            ),
            Permission(
                actions=["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
                resources=[repository_arn(self._settings.image, partition=cdk.Aws.PARTITION)],
            ),
            *self._key_permissions(),
            *([network_permission(TRAINING_ACTIONS)] if self._network else []),
        ]

    def _key_permissions(self) -> list[Permission]:
        """Return the permissions on keys that `encryption.encrypt` does not derive from the role's actions.

        https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html
        """
        own = (
            [
                Permission(
                    actions=["kms:CreateGrant", "kms:DescribeKey", "kms:Encrypt"],
                    resources=[self._encryption.key_arn],
                )
            ]
            if self._encryption
            else []
        )
        return [*own, *asset_key(self._settings)]


def _channel(name: str, location: dict[str, str]) -> dict[str, Any]:
    return {
        "ChannelName": name,
        "DataSource": {
            "S3DataSource": {"S3DataType": "S3Prefix", "S3DataDistributionType": "FullyReplicated", **location}
        },
    }
