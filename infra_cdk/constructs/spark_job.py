"""Glue job that builds datasets on Spark: its code, workers and permissions."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_glue as glue
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3_assets as assets
from constructs import Construct

from alsolike.declarations.manifest import CONFIGURATION, READ, TOMBSTONES, Access
from alsolike.declarations.storage import ACTIONS_KEY, DATASETS_PREFIX, INTERACTIONS_PREFIX, SERVED_PREFIX
from infra_cdk.constructs.buckets import removal_policy
from infra_cdk.constructs.encryption import permit_logs
from infra_cdk.constructs.network import GLUE_ACTIONS, Network, network_permission
from infra_cdk.constructs.permissions import Permission, asset_key, colon_arn, objects, permissions_of, role_for
from infra_cdk.constructs.python_layers import glue_wheels
from infra_cdk.constructs.stored_data import StoredData
from infra_cdk.settings import Settings

ROOT = Path(__file__).parents[2]
FUNCTION = "build_dataset"
FLEXIBLE = ("G.1X", "G.2X")
"""Worker types that support the flexible execution class."""
MODES = {"logs": "SSE-KMS", "bookmarks": "CSE-KMS", "objects": "SSE-S3"}
OWN_KEY_MODES = {**MODES, "objects": "SSE-KMS"}
"""Encryption modes with the key of the setting `kms_key_arn`."""


class SparkJob(Construct):
    """Glue job `alsolike-<environment>-build-dataset`, which builds datasets instead of the function `build_dataset`.

    The workflow retries failed starts. Glue does not retry.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        data: StoredData,
        layers: Path,
        network: Network | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        self.name = f"alsolike-{settings.name}-build-dataset"
        script = assets.Asset(self, "Script", path=str(ROOT / "functions" / FUNCTION / "glue_job.py"))
        shared = assets.Asset(
            self,
            "Shared",
            path=str(ROOT / "layers" / "core" / "python"),
            ignore_mode=cdk.IgnoreMode.GIT,
            exclude=["__pycache__"],
        )
        code = assets.Asset(
            self,
            "Code",
            path=str(ROOT),
            ignore_mode=cdk.IgnoreMode.GIT,
            exclude=[
                "/*",
                "!/functions",
                "/functions/*",
                "!/functions/__init__.py",
                f"!/functions/{FUNCTION}",
                "__pycache__",
            ],
        )
        packages = self._packages(settings, layers)
        self.role = role_for(
            self,
            "Role",
            service="glue.amazonaws.com",
            description=f"Alsolike {settings.name}: permissions of the Glue job that builds datasets",
            permissions=[
                *_permissions(
                    self,
                    data=data,
                    sources=[
                        *(asset.bucket.arn_for_objects(asset.s3_object_key) for asset in (script, shared, code)),
                        f"arn:{cdk.Aws.PARTITION}:s3:::{packages.bucket_name}/{packages.object_key}",
                    ],
                ),
                *asset_key(settings),
                *([network_permission(GLUE_ACTIONS), *self._connection_permissions()] if network else []),
            ],
        )
        encryption = _encryption(self, settings=settings, own_key=data.encryption)
        job = glue.CfnJob(
            self,
            "Job",
            name=self.name,
            description=f"Alsolike {settings.name}: builds training datasets on several workers",
            role=self.role.role_arn,
            command=glue.CfnJob.JobCommandProperty(
                name="glueetl", python_version="3", script_location=script.s3_object_url
            ),
            default_arguments={
                "--extra-py-files": f"{shared.s3_object_url},{code.s3_object_url}",
                "--additional-python-modules": packages.s3_object_url,
                "--python-modules-installer-option": "-r" if settings.training_network else "--no-index",
                "--job-language": "python",
                "--lake_s3_uri": data.lake.s3_url_for_object(INTERACTIONS_PREFIX),
                "--catalogue_table": data.catalogue.table_name,
                "--users_table": data.users.table_name,
                "--secret_arn": data.hash_key.secret_arn,
                "--region": settings.region,
                "--statistics": str(settings.spark_statistics).lower(),
                "--sample_interactions": str(settings.spark_sample_interactions),
            },
            glue_version="5.0",  # Spark 3.5, Python 3.11
            worker_type=settings.spark_worker_type,
            number_of_workers=settings.spark_workers,
            # FLEX waits for spare workers. https://docs.aws.amazon.com/glue/latest/dg/add-job.html
            execution_class="FLEX"
            if settings.spark_flexible and settings.spark_worker_type in FLEXIBLE
            else "STANDARD",
            timeout=settings.spark_timeout_minutes,
            max_retries=0,
            execution_property=glue.CfnJob.ExecutionPropertyProperty(max_concurrent_runs=1),
            security_configuration=encryption.ref,
            connections=glue.CfnJob.ConnectionsListProperty(connections=[self._connection(settings, network)])
            if network
            else None,
        )
        job.node.add_dependency(self.role)

    def _connection(self, settings: Settings, network: Network) -> str:
        connection = glue.CfnConnection(
            self,
            "Network",
            catalog_id=cdk.Stack.of(self).account,
            connection_input=glue.CfnConnection.ConnectionInputProperty(
                name=self.name,
                connection_type="NETWORK",
                description=f"Alsolike {settings.name}: private network of the job that builds datasets",
                physical_connection_requirements=glue.CfnConnection.PhysicalConnectionRequirementsProperty(
                    availability_zone=network.zone,
                    subnet_id=network.subnet_ids[0],
                    security_group_id_list=[network.security_group_id],
                ),
            ),
        )
        return connection.ref

    def _connection_permissions(self) -> list[Permission]:
        stack = cdk.Stack.of(self)
        return [
            Permission(
                actions=["glue:GetConnection"],
                resources=[
                    stack.format_arn(service="glue", resource="catalog"),
                    stack.format_arn(service="glue", resource="connection", resource_name=self.name),
                ],
            ),
            Permission(
                actions=["ec2:CreateTags"],
                resources=[stack.format_arn(service="ec2", resource="network-interface", resource_name="*")],
                wildcard_reason="Glue tags the network interfaces that it creates",
            ),
        ]

    def _packages(self, settings: Settings, layers: Path) -> cdk.FileAssetLocation:
        path = ROOT / "layers" / "core" / "requirements.txt" if settings.training_network else glue_wheels(layers)
        stack = cdk.Stack.of(self)
        staged = cdk.AssetStaging(self, "Packages", source_path=str(path))
        # Glue recognises an archive of wheels by two suffixes. `Asset` would keep only the last suffix.
        return stack.synthesizer.add_file_asset(
            source_hash="".join((staged.asset_hash, *path.suffixes[:-1])),
            file_name=staged.relative_staged_path(stack),
            packaging=cdk.FileAssetPackaging.FILE,
        )

    @property
    def arn(self) -> str:
        return cdk.Stack.of(self).format_arn(service="glue", resource="job", resource_name=self.name)

    def run(self, *, run_id: str, started_ms: str, dataset_s3_uri: str) -> dict[str, Any]:
        """Return the parameters of `StartJobRun`. The arguments are JSONPath expressions on the workflow's state."""
        return {
            "JobName": self.name,
            "Arguments": {
                "--run_id.$": run_id,
                "--started_ms.$": f"States.Format('{{}}', {started_ms})",  # Glue accepts only strings
                "--dataset_s3_uri.$": dataset_s3_uri,
            },
        }


def _encryption(scope: Construct, *, settings: Settings, own_key: kms.IKey | None) -> glue.CfnSecurityConfiguration:
    """Create a security configuration that encrypts the job's log with a KMS key.

    The key is `own_key`, or a new key if `own_key` is None. `own_key` also encrypts the job's objects.
    """
    if own_key:
        key, modes = own_key, OWN_KEY_MODES
        suffix = digest({**OWN_KEY_MODES, "key": str(settings.kms_key_arn)})
        # CloudFormation cannot change a security configuration, so another key needs another resource.
        construct_id = f"Encryption{suffix}"
    else:
        key = kms.Key(
            scope,
            "Key",
            description=f"Alsolike {settings.name}: encrypts the log of the Glue job that builds datasets",
            enable_key_rotation=True,
            # The job's log outlives the stack and needs the key.
            removal_policy=removal_policy(settings),
        )
        # https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
        permit_logs(key, log_groups=_log_groups(scope), region=settings.region)
        construct_id, modes, suffix = "Encryption", MODES, digest(MODES)
    properties = glue.CfnSecurityConfiguration
    return glue.CfnSecurityConfiguration(
        scope,
        construct_id,
        # CloudFormation creates a changed configuration before it deletes the old one, so both names must differ.
        name=f"alsolike-{settings.name}-build-dataset-{suffix}",
        encryption_configuration=properties.EncryptionConfigurationProperty(
            cloud_watch_encryption=properties.CloudWatchEncryptionProperty(
                cloud_watch_encryption_mode=modes["logs"], kms_key_arn=key.key_arn
            ),
            job_bookmarks_encryption=properties.JobBookmarksEncryptionProperty(
                job_bookmarks_encryption_mode=modes["bookmarks"], kms_key_arn=key.key_arn
            ),
            s3_encryptions=[
                properties.S3EncryptionProperty(
                    s3_encryption_mode=modes["objects"],
                    kms_key_arn=key.key_arn if modes["objects"] == "SSE-KMS" else None,
                )
            ],
        ),
    )


def _log_groups(scope: Construct) -> str:
    return colon_arn(scope, "logs", "log-group", "/aws-glue/jobs/*")


def digest(modes: Mapping[str, str]) -> str:
    return hashlib.sha256(repr(sorted(modes.items())).encode()).hexdigest()[:8]


def _permissions(scope: Construct, *, data: StoredData, sources: list[str]) -> list[Permission]:
    lake, artefacts = data.lake, data.artefacts
    return [
        *permissions_of((*TOMBSTONES, *CONFIGURATION, Access("artefacts", READ, keys=(ACTIONS_KEY,))), data=data),
        Permission(actions=["s3:GetObject"], resources=sources),
        Permission(actions=["s3:ListBucket"], resources=[lake.bucket_arn]),
        objects(lake, INTERACTIONS_PREFIX, actions=["s3:GetObject"], reason="A dataset contains all interactions"),
        objects(lake, SERVED_PREFIX, actions=["s3:GetObject"], reason="A dataset contains the recommendation log, too"),
        # Spark reads its own files, and deletes the files of an earlier attempt, because new files have other names.
        objects(
            artefacts,
            DATASETS_PREFIX,
            actions=["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"],
            reason="Each run writes a dataset under a new name",
        ),
        # In the first run, Hadoop also writes a marker object next to the folder.
        Permission(actions=["s3:PutObject"], resources=[artefacts.arn_for_objects("datasets_$folder$")]),
        Permission(actions=["dynamodb:Scan"], resources=[data.catalogue.table_arn, data.users.table_arn]),
        Permission(
            actions=["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents", "logs:AssociateKmsKey"],
            resources=[_log_groups(scope)],
            wildcard_reason="Glue names the log groups of its jobs, and their streams",
        ),
    ]
