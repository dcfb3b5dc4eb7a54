"""Access to the stored configuration of a deployment."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alsolike.configuration.configuration import Configuration
    from alsolike.configuration_document.client_resources import OwnNames
    from operations.client.deployment import Deployment
    from operations.configuration.configuration_versions import ConfigurationStore


def store_of(deployment: Deployment) -> ConfigurationStore:
    from operations.configuration.configuration_versions import ConfigurationStore

    return ConfigurationStore(deployment.client("s3"), deployment.names.artefact_bucket)


def live_configuration(deployment: Deployment) -> Configuration:
    return store_of(deployment).current().configuration()


def own_names(deployment: Deployment) -> OwnNames:
    """Return the names and columns that clients of Amazon Personalize created."""
    from alsolike.configuration_document.client_resources import NO_NAMES, OwnNames
    from alsolike.declarations.storage import OWN_NAMES_KEY
    from alsolike.runtime.s3 import S3Object

    content = S3Object(deployment.client("s3"), deployment.names.artefact_bucket, OWN_NAMES_KEY).read()
    return NO_NAMES if content is None else OwnNames.from_json(content.body, etag=content.etag)


def caller(deployment: Deployment) -> str:
    """Return the caller's identity: the ARN on AWS, or the operating system's user name on the embedded cloud."""
    if deployment.is_local:
        import getpass

        try:
            return getpass.getuser()
        except (KeyError, OSError):  # A container's user ID may have no name.
            return "unknown"
    from operations.client.aws import translate_aws_errors

    with translate_aws_errors("who is calling"):
        identity: str = deployment.client("sts").get_caller_identity()["Arn"]
        return identity
