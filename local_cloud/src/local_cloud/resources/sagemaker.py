"""SageMaker's model package groups."""

from collections.abc import Mapping
from typing import Final

from local_cloud.resources.resource_type import Created, Creation, ResourceType


def _create_model_package_group(creation: Creation) -> Created:
    group = creation.properties.take("ModelPackageGroupName", "ModelPackageGroupDescription")
    arn = creation.clients("sagemaker").create_model_package_group(Tags=creation.tag_list(), **group)[
        "ModelPackageGroupArn"
    ]
    return Created(arn, {"ModelPackageGroupArn": arn})


TYPES: Final[Mapping[str, ResourceType]] = {
    "AWS::SageMaker::ModelPackageGroup": ResourceType(
        _create_model_package_group, kept={"ModelPackageGroupPolicy": "moto cannot store it"}
    )
}
