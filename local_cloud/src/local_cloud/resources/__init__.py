"""Resource types that the embedded cloud can deploy. Each module adds the types of a service."""

import importlib
import pkgutil

from local_cloud.resources.resource_type import RESOURCE_TYPES

__all__ = ["RESOURCE_TYPES"]

for module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{module.name}")
