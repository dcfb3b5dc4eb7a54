from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from infra_cdk.constructs.buckets import removal_policy
from infra_cdk.constructs.drift_watch import Monitoring
from infra_cdk.constructs.network import Network
from infra_cdk.constructs.spark_job import SparkJob
from infra_cdk.constructs.state_machine import executions_of
from infra_cdk.constructs.training_job import TrainingJob
from infra_cdk.constructs.training_workflow import TrainingWorkflow
from infra_cdk.stacks.attribution import AttributionStack
from infra_cdk.stacks.stack import FunctionStack, Region


class TrainingStack(FunctionStack):
    """Training: the workflow with its schedule, functions and jobs, the model packages, and monitoring."""

    def __init__(
        self, scope: Construct, region: Region, *, attribution: AttributionStack, network: Network | None = None
    ) -> None:
        settings, data, layers = region
        super().__init__(
            scope,
            "training",
            region,
            description="training of models",
            protected=settings.stack_protection or None,
        )
        self.packages = packages = sagemaker.CfnModelPackageGroup(
            self,
            "Models",
            model_package_group_name=f"alsolike-{settings.name}",
            # CloudFormation would replace the group, and lose its packages, if the description changed.
            model_package_group_description=f"Alsolike {settings.name}: one package a trained model",
        )
        packages.apply_removal_policy(removal_policy(settings))
        self.package_arns = {
            "model_packages": packages.attr_model_package_group_arn,
            "model_versions": self.format_arn(
                service="sagemaker", resource="model-package", resource_name=f"{packages.model_package_group_name}/*"
            ),
        }
        group = {"model_package_group": packages.model_package_group_name}
        build_dataset = self.function("build_dataset").live
        start = self.function("start_training")
        workflow = TrainingWorkflow(
            self,
            "Workflow",
            settings=settings,
            functions={
                "start_training": start.live,
                "build_dataset": build_dataset,
                "register_model": self.function("register_model", values=group, arns=self.package_arns).live,
                "run_canary": self.function(
                    "run_canary",
                    values={**group, "attribute_outcomes_function": attribution.attribute_outcomes.live.function_arn},
                    arns=self.package_arns,
                ).live,
            },
            job=TrainingJob(
                self,
                "Job",
                settings=settings,
                artefacts=data.artefacts,
                layers=layers,
                encryption=data.encryption,
                network=network,
            ),
            # Created only if Spark is used, because AWS bills its encryption key.
            spark=None
            if settings.dataset_engine == "lambda"
            else SparkJob(self, "Spark", settings=settings, data=data, layers=layers, network=network),
            alerts=data.alerts,
        )
        self.state_machine = workflow.state_machine
        # The policy is separate, because the machine needs the function and the function's role.
        start.permit(self, "LookAtRuns", arns={"training_runs": executions_of(self, workflow.state_machine)})
        monitoring = Monitoring(
            self, "Monitoring", settings=settings, data=data, layers=self.layers, workflow=workflow.state_machine
        )
        self.monitor_models = monitoring.function.live
        self.stale_alarms = [monitoring.alarms["Stale"], monitoring.alarms["Silent"]]
        self.publish(
            build_dataset_function=build_dataset.function_arn,
            monitor_models_function=self.monitor_models.function_arn,
            state_machine_arn=workflow.state_machine.state_machine_arn,
            model_package_group=packages.model_package_group_name,
        )
