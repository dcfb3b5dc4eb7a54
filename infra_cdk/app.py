"""CDK app that writes the cloud assembly of one environment. The CDK's CLI or the embedded cloud deploys it."""

import argparse
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import cdk_nag
from aws_cdk import aws_iam as iam
from constructs import Construct

from alsolike.declarations.parameters import ENVIRONMENT_TAG, REPLICA
from infra_cdk.constructs.encryption import encrypt
from infra_cdk.constructs.network import Network, join
from infra_cdk.constructs.python_layers import MissingLayer
from infra_cdk.constructs.stored_data import StoredData
from infra_cdk.context import load_settings
from infra_cdk.settings import Settings
from infra_cdk.settings_checks import InvalidSettings
from infra_cdk.stacks.attribution import AttributionStack
from infra_cdk.stacks.audit import AuditStack
from infra_cdk.stacks.batch import BatchStack
from infra_cdk.stacks.catalogue import CatalogueStack
from infra_cdk.stacks.data import DataStack
from infra_cdk.stacks.kafka import KafkaStack
from infra_cdk.stacks.lake import LakeStack
from infra_cdk.stacks.network import NetworkStack
from infra_cdk.stacks.observability import ObservabilityStack
from infra_cdk.stacks.pages import PagesStack
from infra_cdk.stacks.privacy import PrivacyStack
from infra_cdk.stacks.replica_data import ReplicaDataStack
from infra_cdk.stacks.serving import ServingStack
from infra_cdk.stacks.training import TrainingStack

ROOT = Path(__file__).parents[1]
LAYERS = ROOT / "build" / "layers"


def read_context() -> dict[str, Any]:
    """Return the context in `cdk.json`. The CDK's CLI passes this context to the app, but not to other callers."""
    context: dict[str, Any] = json.loads((ROOT / "cdk.json").read_bytes())["context"]
    return context


def create_app(
    context: Mapping[str, Any],
    *,
    environment: str | None = None,
    outdir: Path | None = None,
    layers: Path = LAYERS,
    check_templates: bool = True,
    overrides: Mapping[str, Any] | None = None,
) -> cdk.App:
    app = cdk.App(
        # Stack traces contain the temporary folder of jsii, so they would make each synthesis different. This context
        # key is not in cdk.json, because the CLI warns of such keys in this file.
        context={**context, "aws:cdk:disable-creation-stack-traces": True},
        outdir=str(outdir or os.environ.get("CDK_OUTDIR") or ROOT / "cdk.out"),
        analytics_reporting=False,
        builtin_cloud_formation_validation=check_templates,
    )
    name = environment or app.node.try_get_context("environment")
    # The settings are not read from the app's context, because jsii drops null values. A default would then replace
    # an explicit null.
    settings = load_settings(context.get("environments"), name, overrides)
    add_stacks(app, settings=settings, layers=layers)
    cdk.Validations.of(app).add_plugins(cdk_nag.AwsSolutionsChecks(app))
    return app


def add_stacks(app: cdk.App, *, settings: Settings, layers: Path) -> None:
    """Add the stacks `alsolike-<environment>-<part>` of an environment, in one region or two."""
    # CloudFormation copies the tags of a stack to its resources. Budgets and bills select a deployment by this tag.
    cdk.Tags.of(app).add(ENVIRONMENT_TAG, settings.name, include_resource_types=["aws:cdk:stack"])
    env = cdk.Environment(account=settings.account, region=settings.region)
    data = DataStack(app, f"alsolike-{settings.name}-data", settings=settings, env=env)
    network = None
    if settings.vpc:
        network = NetworkStack(app, f"alsolike-{settings.name}-network", settings=settings, env=env).network
    _add_parts(app, settings=settings, data=data, layers=layers, network=network)
    if settings.is_audited:
        names = sorted(stack.stack_name for stack in app.node.children if isinstance(stack, cdk.Stack))
        AuditStack(app, f"alsolike-{settings.name}-audit", settings=settings, env=env, data=data, stacks=names)
    if settings.replica_region:
        _add_replica(app, settings=settings, primary=data, layers=layers)
    if network:
        join(app, network)
    if data.encryption:
        encrypt(
            [stack for stack in app.node.children if isinstance(stack, cdk.Stack)],
            data.encryption,
            buckets=[data.lake, data.artefacts],
            settings=settings,
            replica_key_arn=data.replica_key_arn,
        )
    if settings.permissions_boundary:
        for stack in app.node.find_all():
            if isinstance(stack, cdk.Stack):
                policy = iam.ManagedPolicy.from_managed_policy_arn(stack, "Boundary", settings.permissions_boundary)
                iam.PermissionsBoundary.of(stack).apply(policy)


def _add_replica(app: cdk.App, *, settings: Settings, primary: DataStack, layers: Path) -> None:
    """Add the stacks of the second region, which have the same names as the primary's stacks."""
    scope = Construct(app, REPLICA)
    env = cdk.Environment(account=settings.account, region=settings.replica_region)
    data = ReplicaDataStack(scope, primary.stack_name, settings=settings.replica, env=env, primary=primary)
    # S3 accepts a replication rule only if its destination exists.
    primary.add_stack_dependency(data)
    stacks = _add_parts(scope, settings=settings.replica, data=data, layers=layers, is_replica=True)
    for stack in stacks:
        stack.add_stack_dependency(primary)  # The primary creates the replicas of tables and secrets.
    if data.encryption:
        encrypt([data, *stacks], data.encryption, buckets=[data.lake, data.artefacts], settings=settings.replica)


def _add_parts(
    scope: Construct,
    *,
    settings: Settings,
    data: StoredData,
    layers: Path,
    network: Network | None = None,
    is_replica: bool = False,
) -> list[cdk.Stack]:
    """Add the stacks of a region.

    Return the stacks that exist in both regions: all except catalogue, Kafka and pages.
    """
    env = cdk.Environment(account=settings.account, region=settings.region)
    prefix = f"alsolike-{settings.name}"
    catalogue = None
    if not is_replica:
        catalogue = CatalogueStack(scope, f"{prefix}-catalogue", settings=settings, env=env, data=data, layers=layers)
    lake = LakeStack(scope, f"{prefix}-lake", settings=settings, env=env, data=data, layers=layers)
    attribution = AttributionStack(scope, f"{prefix}-attribution", settings=settings, env=env, data=data, layers=layers)
    training = TrainingStack(
        scope,
        f"{prefix}-training",
        settings=settings,
        env=env,
        data=data,
        attribution=attribution,
        layers=layers,
        network=network,
    )
    privacy = PrivacyStack(
        scope,
        f"{prefix}-privacy",
        settings=settings,
        env=env,
        data=data,
        layers=layers,
        has_two_regions=is_replica or settings.replica_region is not None,
    )
    serving = ServingStack(
        scope,
        f"{prefix}-serving",
        settings=settings,
        env=env,
        data=data,
        imports=lake.imports,
        privacy=privacy,
        attribution=attribution,
        training=training,
        layers=layers,
        is_replica=is_replica,
        network=network,
    )
    batch = BatchStack(
        scope,
        f"{prefix}-batch",
        settings=settings,
        env=env,
        data=data,
        recommend=serving.recommend,
        control_plane=serving.control_plane,
        layers=layers,
    )
    kafka = None
    if settings.kafka:
        kafka = KafkaStack(
            scope, f"{prefix}-kafka", settings=settings, kafka=settings.kafka, env=env, data=data, layers=layers
        )
    observability = ObservabilityStack(
        scope,
        f"{prefix}-observability",
        settings=settings,
        env=env,
        data=data,
        catalogue=catalogue,
        lake=lake,
        serving=serving,
        training=training,
        kafka=kafka,
    )
    if settings.web:
        pages = PagesStack(
            scope, f"{prefix}-pages", settings=settings, env=env, data=data, serving=serving, layers=layers
        )
        # The pages are deployed last, because CloudFront rejects accounts that AWS has not verified. This error ends
        # `cdk deploy --all`.
        pages.add_stack_dependency(observability)
    return [lake, attribution, training, privacy, serving, batch, observability]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m infra_cdk.app", description=__doc__)
    parser.add_argument("--environment", help="a name in cdk.json's context.environments")
    parser.add_argument("--outdir", type=Path, help="folder of the assembly (default: cdk.out)")
    parser.add_argument(
        "--layers",
        type=Path,
        default=LAYERS,
        help="folder of the layers that layers.build made (default: build/layers)",
    )
    parser.add_argument(
        "--skip-template-check", action="store_true", help="do not validate against CloudFormation's schema: 5 s faster"
    )
    parser.add_argument("--settings", type=json.loads, help="JSON object of settings that replace the environment's")
    options = parser.parse_args(arguments)
    try:
        app = create_app(
            read_context(),
            environment=options.environment,
            outdir=options.outdir,
            layers=options.layers,
            check_templates=not options.skip_template_check,
            overrides=options.settings,
        )
    except (InvalidSettings, MissingLayer) as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    try:
        app.synth()
    except RuntimeError as error:
        # The CDK has already printed the findings. A traceback would hide them.
        if "ValidationFailed" not in str(error):
            raise
        sys.stderr.write(f"error: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
