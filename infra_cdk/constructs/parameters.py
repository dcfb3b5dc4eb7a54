"""The SSM parameter tree in which clients find every name that they need."""

from collections.abc import Mapping

from aws_cdk import aws_ssm as ssm
from constructs import Construct

from infra_cdk.settings import Settings


class Parameters(Construct):
    """The parameters ``/alsolike/<environment>/<key>`` of one stack."""

    def __init__(self, scope: Construct, construct_id: str, *, settings: Settings, values: Mapping[str, str]) -> None:
        super().__init__(scope, construct_id)
        for key, value in values.items():
            ssm.StringParameter(
                self,
                key,
                # A client knows the name before it knows anything else, so this one is physical.
                parameter_name=f"/alsolike/{settings.name}/{key}",
                string_value=value,
            )
