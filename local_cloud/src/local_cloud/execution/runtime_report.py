"""Runtimes of a deployment's functions on this host, which may differ from the template."""

import platform
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

from local_cloud.deployment import Deployment
from local_cloud.execution.function import Function
from local_cloud.execution.workspaces import PackageSource


def refuse_foreign_runtimes(deployment: Deployment) -> None:
    """Raise DeploymentError for a function with a runtime other than Python, or with a container image."""
    for resource in deployment.of_type("AWS::Lambda::Function"):
        runtime = str(resource.properties.get("Runtime", ""))
        if not runtime.startswith("python"):
            reason = f"{runtime or 'a container image'!r} cannot run here, only Python {platform.python_version()} can"
            raise resource.refusal("Runtime", reason)


def function_reports(
    deployment: Deployment,
    *,
    find: Callable[[str], Function],
    package_sources: Callable[[Function], Sequence[PackageSource]],
    awslambdaric: bool,
) -> dict[str, dict[str, Any]]:
    reports = {}
    for resource in deployment.of_type("AWS::Lambda::Function"):
        function = find(resource.physical_id)
        reports[function.name] = {
            "logical_id": resource.logical_id,
            "template_runtime": resource.properties.get("Runtime", ""),
            "template_architecture": (resource.properties.get("Architectures") or ["x86_64"])[0],
            "python": platform.python_version(),
            "architecture": platform.machine(),
            "runtime_client": "awslambdaric" if awslambdaric else "stand-in",
            "layers": [asdict(source) for source in package_sources(function)],
        }
    return reports
