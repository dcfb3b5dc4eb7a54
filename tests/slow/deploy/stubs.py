"""Parts of AWS that ministack lacks, and the reason for each stub.

The stub of a type creates only a name and an ARN, and rejects properties that are invalid by the schema of the type.
"""

import dataclasses
from typing import Any

from infra_cdk.regions import pandas_layer


@dataclasses.dataclass(frozen=True, slots=True)
class Stub:
    reason: str
    name: str
    """Property that `Ref` returns. If a resource lacks the property, `Ref` returns the stack and the logical ID."""
    arn: tuple[str, str] | None = None
    """Attribute with the ARN, and the ARN's part after the account."""


TYPES = {
    "AWS::Backup::BackupSelection": Stub("the setting backup_days", "SelectionId"),
    "AWS::CloudTrail::Trail": Stub("the setting audit_trail", "TrailName", ("Arn", "trail/")),
    "AWS::EC2::SecurityGroupEgress": Stub("the setting vpc", "Id"),
    "AWS::EC2::SecurityGroupIngress": Stub("the setting vpc", "Id"),
    "AWS::Budgets::Budget": Stub(
        "the setting monthly_budget_usd; ministack has budgets, but not as a type", "BudgetName"
    ),
    "AWS::CloudWatch::CompositeAlarm": Stub("alarms on several alarms", "AlarmName", ("Arn", "alarm:")),
    "AWS::CodeDeploy::Application": Stub("the setting gradual_releases", "ApplicationName"),
    "AWS::CodeDeploy::DeploymentGroup": Stub("the setting gradual_releases", "DeploymentGroupName"),
    "AWS::Glue::SecurityConfiguration": Stub("encrypted logs of the Spark job", "Name"),
    "AWS::SageMaker::ModelPackageGroup": Stub(
        "model versions; ministack has no SageMaker",
        "ModelPackageGroupName",
        ("ModelPackageGroupArn", "model-package-group/"),
    ),
}

METRIC_MATH = Stub("ministack accepts AWS::CloudWatch::Alarm only without the property Metrics", "AlarmName")


@dataclasses.dataclass(frozen=True, slots=True)
class Parameter:
    reason: str
    value: str


PARAMETERS = {
    pandas_layer(architecture).removeprefix("{{resolve:ssm:").removesuffix("}}"): Parameter(
        "AWS publishes the ARN of its layer with AWS SDK for pandas",
        f"arn:aws:lambda:us-east-1:336392948345:layer:AWSSDKPandas-Python313-{architecture}:1",
    )
    for architecture in ("arm64", "x86_64")
}


@dataclasses.dataclass(frozen=True, slots=True)
class Operation:
    reason: str
    response: dict[str, Any]


OPERATIONS = {
    "SageMaker.ListModelPackages": Operation(
        "`alsolike destroy` deletes the model packages of a group", {"ModelPackageSummaryList": []}
    ),
}
