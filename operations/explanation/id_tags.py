"""Lookup of the model versions and experiment arms that the tags in a recommendation ID stand for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alsolike.configuration.recommendation_id import arm_tag, version_tag
from alsolike.declarations.storage import MODELS_PREFIX
from alsolike.runtime.s3 import folders
from operations.configuration.deployed_configuration import live_configuration

if TYPE_CHECKING:
    from operations.client.deployment import Deployment

NO_VERSION = "none"
"""Model version of responses without a model."""


def version_of(deployment: Deployment, tag: str) -> str:
    stored = folders(deployment.client("s3"), deployment.names.artefact_bucket, MODELS_PREFIX)
    versions = [NO_VERSION, *(folder.removeprefix(MODELS_PREFIX).rstrip("/") for folder in stored)]
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
