"""From the lake to a registered model."""

from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from infra_cdk.constructs.configuration import configuration_permissions
from infra_cdk.constructs.parameters import Parameters
from infra_cdk.constructs.permissions import Permission, objects
from infra_cdk.constructs.privacy import tombstone_permissions
from infra_cdk.constructs.python_function import PythonFunction
from infra_cdk.constructs.python_layers import PythonLayers
from infra_cdk.constructs.training_job import TrainingJob
from infra_cdk.constructs.training_workflow import TrainingWorkflow
from infra_cdk.settings import Settings
from infra_cdk.stacks.data import DataStack


class TrainingStack(cdk.Stack):
    """The workflow, its functions and its job, its schedule and the model packages."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        env: cdk.Environment,
        data: DataStack,
        layers: Path,
    ) -> None:
        super().__init__(scope, construct_id, env=env, description=f"Alsolike {settings.name}: training of models")
        self._settings = settings
        self._data = data
        self._layers = PythonLayers(self, "Layers", settings=settings, directory=layers)
        packages = sagemaker.CfnModelPackageGroup(
            self,
            "Models",
            model_package_group_name=f"alsolike-{settings.name}",
            model_package_group_description=f"Alsolike {settings.name}: one package a trained model",
        )
        build_dataset = self._build_dataset().live
        workflow = TrainingWorkflow(
            self,
            "Workflow",
            settings=settings,
            build_dataset=build_dataset,
            register_model=self._register_model(packages).live,
            job=TrainingJob(self, "Job", settings=settings, artefacts=data.artefacts),
            alerts=data.alerts,
        )
        Parameters(
            self,
            "Parameters",
            settings=settings,
            values={
                "build-dataset-function": build_dataset.function_arn,
                "state-machine-arn": workflow.state_machine.state_machine_arn,
                "model-package-group": packages.model_package_group_name,
            },
        )

    def _build_dataset(self) -> PythonFunction:
        lake, artefacts = self._data.lake, self._data.artefacts
        catalogue, users = self._data.catalogue, self._data.users
        return PythonFunction(
            self,
            "BuildDataset",
            name="build_dataset",
            description="Builds a training dataset from the lake, the catalogue and the users",
            settings=self._settings,
            layers=[self._layers.core, self._layers.pandas],
            variables={
                "LAKE_BUCKET": lake.bucket_name,
                "ARTEFACT_BUCKET": artefacts.bucket_name,
                "CATALOGUE_TABLE": catalogue.table_name,
                "USERS_TABLE": users.table_name,
                "SECRET_ARN": self._data.hash_key.secret_arn,
            },
            permissions=[
                *tombstone_permissions(artefacts=artefacts, hash_key=self._data.hash_key),
                Permission(actions=["s3:ListBucket"], resources=[lake.bucket_arn]),
                *configuration_permissions(artefacts),
                objects(
                    lake, "interactions/", actions=["s3:GetObject"], reason="A dataset is made of all that happened"
                ),
                objects(
                    artefacts,
                    "datasets/",
                    actions=["s3:PutObject"],
                    reason="Each run writes a dataset under a new name",
                ),
                Permission(actions=["dynamodb:Scan"], resources=[catalogue.table_arn, users.table_arn]),
            ],
            memory_mb=4_096,
            storage_mb=2_048,
            timeout_s=900,
        )

    def _register_model(self, packages: sagemaker.CfnModelPackageGroup) -> PythonFunction:
        artefacts = self._data.artefacts
        return PythonFunction(
            self,
            "RegisterModel",
            name="register_model",
            description="Unpacks a trained model, compares it with the champion and registers it",
            settings=self._settings,
            layers=[self._layers.core, self._layers.onnx_runtime],
            variables={
                "ARTEFACT_BUCKET": artefacts.bucket_name,
                "MODEL_PACKAGE_GROUP": packages.model_package_group_name,
                "MAX_BUNDLE_MB": str(self._settings.max_bundle_mb),
            },
            permissions=[
                Permission(actions=["s3:ListBucket"], resources=[artefacts.bucket_arn]),
                objects(artefacts, "training/", actions=["s3:GetObject"], reason="Each run has its own names"),
                objects(
                    artefacts,
                    "models/",
                    actions=["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload"],
                    reason="Each run writes a new version, and is compared with the champion's",
                ),
                Permission(
                    actions=["s3:GetObject", "s3:PutObject"],
                    resources=[artefacts.arn_for_objects("registry/champion.json")],
                ),
                Permission(
                    actions=["sagemaker:CreateModelPackage", "sagemaker:ListModelPackages"],
                    resources=[packages.attr_model_package_group_arn],
                ),
                Permission(
                    actions=["sagemaker:CreateModelPackage", "sagemaker:UpdateModelPackage"],
                    wildcard_reason="SageMaker numbers the packages of the group as they are created",
                    resources=[
                        self.format_arn(
                            service="sagemaker",
                            resource="model-package",
                            resource_name=f"{packages.model_package_group_name}/*",
                        )
                    ],
                ),
            ],
            memory_mb=2_048,
            storage_mb=4_096,
            timeout_s=600,
        )
