"""Lambda functions. No other module creates functions."""

import dataclasses
import importlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import aws_cdk as cdk
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from alsolike.declarations.manifest import Manifest
from infra_cdk.constructs.function_triggers import attach
from infra_cdk.constructs.log_group import log_group
from infra_cdk.constructs.metrics import namespace
from infra_cdk.constructs.nag_suppressions import acknowledge
from infra_cdk.constructs.permissions import Permission, add_policy, foreign_prefixes, permissions_of, role_for
from infra_cdk.constructs.python_layers import RUNTIME, PythonLayers, architecture
from infra_cdk.constructs.stored_data import NAMES, StoredData
from infra_cdk.settings import Settings

ROOT = Path(__file__).parents[2]
_OPTIONAL_FIELDS = ("forwarded_days", "forwards_erasures", "powertools_metrics_namespace", "private_api")
"""Fields of functions' settings that become variables only if `values` contains them."""


class PythonFunction(Construct):
    """Function in `functions/<name>/`, with its role, log group and alias `live`, and the trigger in its `manifest.py`.

    All callers use the alias. The role allows logs, traces, and the access that the manifest and its trigger declare.
    The CDK adds no permissions.

    Parameters
    ----------
    values
        Values for fields of the function's settings that are neither in `data` nor in the environment's settings.
    arns
        ARNs of resources in the manifest that are neither in `data` nor in `values`.

    Attributes
    ----------
    function_name, function_arn
        Name and ARN without the alias.
    """

    def __init__(
        self,
        scope: Construct,
        name: str,
        *,
        settings: Settings,
        layers: PythonLayers,
        data: StoredData,
        values: Mapping[str, str | int] = MappingProxyType({}),
        arns: Mapping[str, str | Sequence[str]] = MappingProxyType({}),
    ) -> None:
        super().__init__(scope, "".join(word.capitalize() for word in name.split("_")))
        self._manifest = manifest = read_manifest(name)
        self._data = data
        self.name, self.memory_mb = name, settings.number(manifest.memory_mb)
        snap_start = manifest.starts_fast and settings.snap_start
        concurrency = settings.provisioned_concurrency if manifest.starts_fast else 0

        access = [*manifest.access, *(manifest.trigger.access if manifest.trigger else ())]
        self.log_group = logs = log_group(self, "Log", settings=settings)
        self.role = role_for(
            self,
            "Role",
            service="lambda.amazonaws.com",
            description=f"Alsolike {settings.name}: what {name} may do",
            permissions=[
                *_own_output(logs.log_group_arn, traces=settings.tracing),
                *permissions_of(
                    (grant for grant in access if not grant.needs_function),
                    data=data,
                    arns={name: str(value) for name, value in values.items()} | dict(arns),
                ),
                *foreign_prefixes(access, data=data),
            ],
        )
        function = lambda_.Function(
            self,
            "Function",
            description=manifest.description,
            runtime=RUNTIME,
            architecture=architecture(settings),
            handler=f"functions.{name}.handler.lambda_handler",
            code=_code(name, manifest.packages),
            layers=[getattr(layers, layer) for layer in self._layers(settings)],
            role=self.role.without_policy_updates(),
            log_group=logs,
            logging_format=lambda_.LoggingFormat.TEXT if settings.log_invocations else lambda_.LoggingFormat.JSON,
            # WARN hides the lines START, END and REPORT, except for failed invocations. Lambda writes JSON lines
            # unchanged: https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-logformat.html
            system_log_level_v2=None if settings.log_invocations else lambda_.SystemLogLevel.WARN,
            tracing=lambda_.Tracing.ACTIVE if settings.tracing else lambda_.Tracing.DISABLED,
            memory_size=self.memory_mb,
            timeout=cdk.Duration.seconds(manifest.timeout_s),
            reserved_concurrent_executions=getattr(settings, manifest.reserved) if manifest.reserved else None,
            ephemeral_storage_size=cdk.Size.mebibytes(settings.number(manifest.storage_mb)),
            snap_start=lambda_.SnapStartConf.ON_PUBLISHED_VERSIONS if snap_start else None,
            environment={
                "POWERTOOLS_SERVICE_NAME": name,
                "POWERTOOLS_METRICS_NAMESPACE": namespace(settings),
                **({"OPENBLAS_NUM_THREADS": "1"} if manifest.single_threaded else {}),
                **self._variables(settings, values),
            },
        )
        acknowledge(
            function,
            finding="AwsSolutions-L1",
            reason="The layers are built and checked for Python 3.13, which Lambda supports until June 2029",
        )
        if snap_start:
            acknowledge(
                function,
                finding="Annotation::@aws-cdk/aws-lambda:snapStartRequirePublish",
                reason="All callers use the alias, which refers to a published version",
            )
        self.live = lambda_.Alias(
            self,
            "Live",
            alias_name="live",
            version=function.current_version,
            provisioned_concurrent_executions=concurrency or None,
        )
        self.mappings = attach(manifest.trigger, self.live, scope, settings=settings, data=data)
        self.function_name, self.function_arn = function.function_name, function.function_arn

    def permit(self, scope: Construct, construct_id: str, *, arns: Mapping[str, str]) -> None:
        """Grant access to resources that are created after the function. The access is a separate policy."""
        access = [grant for grant in self._manifest.access if grant.needs_function]
        permissions = permissions_of(access, data=self._data, arns=arns)
        add_policy(scope, construct_id, role=self.role, permissions=permissions)

    def _layers(self, settings: Settings) -> Iterator[str]:
        yield from self._manifest.layers
        for setting, layer in self._manifest.optional_layers.items():
            if getattr(settings, setting):
                yield layer

    def _variables(self, settings: Settings, values: Mapping[str, str | int]) -> dict[str, str]:
        fields, renamed = settings_fields(self.name), self._manifest.variables
        if unknown := (values.keys() | renamed.keys()) - set(fields):
            raise ValueError(f"functions/{self.name}/settings.py declares no {', '.join(sorted(unknown))}")
        variables = {}
        for field in fields:
            if field in values:
                value = values[field]
            elif field in NAMES:
                value = NAMES[field](self._data)
            elif field in _OPTIONAL_FIELDS:
                continue
            else:
                value = getattr(settings, renamed.get(field, field)) or 0
            variables[field.upper()] = str(int(value) if isinstance(value, bool) else value)
        return variables


def read_manifest(name: str) -> Manifest:
    manifest: Manifest = importlib.import_module(f"functions.{name}.manifest").MANIFEST
    return manifest


def settings_fields(name: str) -> list[str]:
    """Return the field names of `Settings` in a function's `settings.py`."""
    declared = importlib.import_module(f"functions.{name}.settings").Settings
    return [field.name for field in dataclasses.fields(declared)]


def _own_output(log_group_arn: str, *, traces: bool) -> list[Permission]:
    output = [Permission(actions=["logs:CreateLogStream", "logs:PutLogEvents"], resources=[log_group_arn])]
    if traces:
        output.append(
            Permission(
                actions=["xray:PutTraceSegments", "xray:PutTelemetryRecords"],
                resources=["*"],
                wildcard_reason="X-Ray has no resources, so its write actions can be granted on * only",
            )
        )
    return output


def _code(name: str, packages: Sequence[str]) -> lambda_.Code:
    """Return an asset with the code of this function and its packages of `operations`. Changes of other functions do
    not change the hash.
    """
    return lambda_.Code.from_asset(
        str(ROOT),
        ignore_mode=cdk.IgnoreMode.GIT,
        exclude=[
            "/*",
            "!/functions",
            "/functions/*",
            "!/functions/__init__.py",
            f"!/functions/{name}",
            *(["!/operations", "/operations/*", "!/operations/__init__.py"] if packages else []),
            *(f"!/operations/{package}" for package in packages),
            "__pycache__",
        ],
    )
