"""SSM parameters with the names of resources, for clients."""

from collections.abc import Mapping

from aws_cdk import aws_ssm as ssm
from constructs import Construct

from alsolike.declarations.parameters import Names, parameter_name
from infra_cdk.settings import Settings


class Parameters(Construct):
    def __init__(self, scope: Construct, construct_id: str, *, settings: Settings, values: Mapping[str, str]) -> None:
        super().__init__(scope, construct_id)
        if unknown := values.keys() - Names.__dataclass_fields__.keys():
            raise ValueError(f"Names declares no {', '.join(sorted(unknown))}")
        for field, value in values.items():
            ssm.StringParameter(
                self,
                field.replace("_", "-"),
                # The name is fixed instead of generated, because clients read these parameters first.
                parameter_name=parameter_name(settings.name, field),
                string_value=value,
            )
