from pathlib import Path
from typing import Any, NamedTuple

import aws_cdk as cdk
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from alsolike.declarations.parameters import Names, parameter_name
from infra_cdk.constructs.python_function import PythonFunction
from infra_cdk.constructs.python_layers import PythonLayers
from infra_cdk.constructs.stored_data import StoredData
from infra_cdk.settings import Settings


class Region(NamedTuple):
    """Inputs of all stacks of a region. `layers` is the folder of the built layers."""

    settings: Settings
    data: StoredData
    layers: Path


class Stack(cdk.Stack):
    """Stack `alsolike-<environment>-<part>` in the region of the settings.

    Stacks of the second region (`replica_region`) have the same names as those of the first one.
    """

    def __init__(
        self, scope: Construct, part: str, *, settings: Settings, description: str, protected: bool | None = None
    ) -> None:
        name = f"alsolike-{settings.name}-{part}"
        super().__init__(
            scope,
            name,
            stack_name=name,
            env=cdk.Environment(account=settings.account, region=settings.region),
            description=f"Alsolike {settings.name}: {description}",
            termination_protection=protected,
        )
        self.settings = settings

    def publish(self, **values: str) -> None:
        """Create SSM parameters from which clients read names of resources. `values` are by field of `Names`."""
        if unknown := values.keys() - Names.__dataclass_fields__.keys():
            raise ValueError(f"Names declares no {', '.join(sorted(unknown))}")
        scope = Construct(self, "Parameters")
        for field, value in values.items():
            ssm.StringParameter(
                scope,
                field.replace("_", "-"),
                # The name is fixed instead of generated, because clients find all other names in these parameters.
                parameter_name=parameter_name(self.settings.name, field),
                string_value=value,
            )


class FunctionStack(Stack):
    """Stack with functions and their layers."""

    def __init__(
        self, scope: Construct, part: str, region: Region, *, description: str, protected: bool | None = None
    ) -> None:
        super().__init__(scope, part, settings=region.settings, description=description, protected=protected)
        self.data = region.data
        self.layers = PythonLayers(self, "Layers", settings=region.settings, directory=region.layers)

    def function(self, name: str, **options: Any) -> PythonFunction:
        """Create a function. `options` are the parameters `values` and `arns` of `PythonFunction`."""
        return PythonFunction(self, name, settings=self.settings, layers=self.layers, data=self.data, **options)
