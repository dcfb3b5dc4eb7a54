from __future__ import annotations

from enum import Enum, auto

from alsolike.declarations.storage import INTERACTIONS_PREFIX
from alsolike.events.interactions import USER_PREFIX
from alsolike.profiles.profile_table import ProfileStore
from operations.client.aws import translate_aws_errors
from operations.client.deployment import Deployment
from operations.models import versions as model_versions


class Stage(Enum):
    """Stage of a deployment: without interactions, without a model, or with a model."""

    EMPTY = auto()
    UNTRAINED = auto()
    TRAINED = auto()


def stage_of(deployment: Deployment) -> Stage:
    if model_versions.pointer(deployment).champion() is not None:
        return Stage.TRAINED
    bucket = deployment.names.lake_bucket
    with translate_aws_errors(f"bucket {bucket}"):
        objects = deployment.client("s3").list_objects_v2(Bucket=bucket, Prefix=INTERACTIONS_PREFIX, MaxKeys=1)
    return Stage.UNTRAINED if objects.get("Contents") else Stage.EMPTY


def stored_user(deployment: Deployment) -> str | None:
    """Return the ID of a user with interactions. None if there is none, or if the deployment stores hashes of IDs."""
    if deployment.names.pseudonymise_ids == "1":
        return None
    profiles = ProfileStore(deployment.client("dynamodb"), deployment.names.profiles_table).scan()
    keys = (profile.profile_id for profile in profiles if profile.recent)
    return next((key.removeprefix(USER_PREFIX) for key in keys if key.startswith(USER_PREFIX)), None)
