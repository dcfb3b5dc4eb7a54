"""Lookup of the model versions and experiment arms that the tags in a recommendation ID stand for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alsolike.configuration.recommendation_id import arm_tag, version_tag
from alsolike.declarations.storage import MODELS_PREFIX
from operations.client.aws import translate_aws_errors
from operations.configuration.store import live_configuration

if TYPE_CHECKING:
    from operations.client.deployment import Deployment

NO_VERSION = "none"
"""Model version of responses without a model."""


def version_of(deployment: Deployment, tag: str) -> str:
    client, bucket = deployment.client("s3"), deployment.names.artefact_bucket
    with translate_aws_errors(f"s3://{bucket}/{MODELS_PREFIX}"):
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=MODELS_PREFIX, Delimiter="/")
        folders = [entry["Prefix"] for page in pages for entry in page.get("CommonPrefixes", [])]
    versions: tuple[str, ...] = (NO_VERSION, *(folder.removeprefix(MODELS_PREFIX).rstrip("/") for folder in folders))
    for version in versions:
        if version_tag(version) == tag:
            return version
    return f"unknown ({tag})"


def arm_of(deployment: Deployment, tag: str) -> str:
    for experiment in live_configuration(deployment).experiments.values():
        for arm in experiment.arms:
            if arm_tag(name := f"{experiment.name}/{arm.name}") == tag:
                return name
    return f"unknown ({tag})"
