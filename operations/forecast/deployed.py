"""Inputs of a forecast from a deployment."""

from __future__ import annotations

from operations.client.deployment import Deployment
from operations.client.stored_ids import pseudonyms
from operations.configuration.deployed_configuration import live_configuration
from operations.filters.catalogue import read_snapshot
from operations.forecast.inputs import ForecastInputs


def inputs_of(deployment: Deployment) -> ForecastInputs:
    return ForecastInputs(
        s3=deployment.client("s3"),
        lambda_=deployment.client("lambda"),
        lake_bucket=deployment.names.lake_bucket,
        recommend_function=deployment.names.recommend_function,
        configuration=live_configuration(deployment),
        catalogue=read_snapshot(deployment),
        hashes=pseudonyms(deployment),
        has_hashed_ids=deployment.names.pseudonymise_ids == "1",
    )
