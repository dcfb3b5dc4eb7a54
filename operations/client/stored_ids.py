"""Stored IDs of a deployment's users."""

from __future__ import annotations

from collections.abc import Iterator

from alsolike.events.interactions import USER_PREFIX
from alsolike.privacy.pseudonyms import PLAIN_IDS, IdPolicy, Pseudonyms, pseudonyms_of
from alsolike.profiles.profile_table import ProfileStore
from operations.client.deployment import Deployment


def pseudonyms(deployment: Deployment) -> Pseudonyms:
    return pseudonyms_of(deployment.client("secretsmanager"), deployment.names.hash_key_arn)


def stored_ids(deployment: Deployment) -> IdPolicy:
    """Return the policy by which the API converts user and session IDs to stored IDs."""
    return IdPolicy(lambda: pseudonyms(deployment)) if deployment.names.pseudonymise_ids == "1" else PLAIN_IDS


def stored_user_ids(deployment: Deployment) -> Iterator[str]:
    """Yield the stored IDs of users with a profile, in arbitrary order."""
    for profile in ProfileStore(deployment.client("dynamodb"), deployment.names.profiles_table).scan(length=1):
        if profile.profile_id.startswith(USER_PREFIX):
            yield profile.profile_id.removeprefix(USER_PREFIX)
