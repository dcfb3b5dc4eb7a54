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
from infra_cdk.stacks.stack import Region
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
    data = DataStack(app, settings=settings)
    network = NetworkStack(app, settings=settings).network if settings.vpc else None
    _add_parts(app, Region(settings, data, layers), network=network)
    if settings.is_audited:
        names = sorted(stack.stack_name for stack in app.node.children if isinstance(stack, cdk.Stack))
        AuditStack(app, settings=settings, data=data, stacks=names)
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
    data = ReplicaDataStack(scope, settings=settings.replica, primary=primary)
    # S3 accepts a replication rule only if its destination exists.
    primary.add_stack_dependency(data)
    stacks = _add_parts(scope, Region(settings.replica, data, layers), is_replica=True)
    for stack in stacks:
        stack.add_stack_dependency(primary)  # The primary creates the replicas of tables and secrets.
    if data.encryption:
        encrypt([data, *stacks], data.encryption, buckets=[data.lake, data.artefacts], settings=settings.replica)


def _add_parts(
    scope: Construct, region: Region, *, network: Network | None = None, is_replica: bool = False
) -> list[cdk.Stack]:
    """Add the stacks of a region.

    Return the stacks that exist in both regions: all except catalogue, Kafka and pages.
    """
    settings = region.settings
    catalogue = None if is_replica else CatalogueStack(scope, region)
    lake = LakeStack(scope, region)
    attribution = AttributionStack(scope, region)
    training = TrainingStack(scope, region, attribution=attribution, network=network)
    privacy = PrivacyStack(scope, region, has_two_regions=is_replica or settings.replica_region is not None)
    serving = ServingStack(
        scope,
        region,
        imports=lake.imports,
        privacy=privacy,
        attribution=attribution,
        training=training,
        is_replica=is_replica,
        network=network,
    )
    batch = BatchStack(scope, region, recommend=serving.recommend, control_plane=serving.control_plane)
    observability = ObservabilityStack(
        scope,
        region,
        catalogue=catalogue,
        lake=lake,
        serving=serving,
        training=training,
        kafka=KafkaStack(scope, region, kafka=settings.kafka) if settings.kafka else None,
    )
    if settings.web:
        pages = PagesStack(scope, region, serving=serving)
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
