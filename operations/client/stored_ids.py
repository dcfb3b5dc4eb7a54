"""Stored IDs of a deployment's users."""

from __future__ import annotations

from collections.abc import Iterator

from alsolike.events.interactions import USER_PREFIX
from alsolike.privacy.pseudonyms import PLAIN_IDS, IdPolicy, Pseudonyms, pseudonyms_of
from alsolike.profiles.store import ProfileStore
from operations.client.deployment import Deployment


def pseudonyms(where: Deployment) -> Pseudonyms:
    """Return the keyed hash function of the deployment."""
    return pseudonyms_of(where.client("secretsmanager"), where.names.hash_key_arn)


def stored_ids(where: Deployment) -> IdPolicy:
    """Return the policy by which the API converts user and session IDs to stored IDs."""
    return IdPolicy(lambda: pseudonyms(where)) if where.names.pseudonymise_ids == "1" else PLAIN_IDS


def stored_user_ids(where: Deployment) -> Iterator[str]:
    """Yield the stored IDs of users with a profile, in arbitrary order.

    IDs are hashes if the deployment pseudonymises.
    """
    for profile in ProfileStore(where.client("dynamodb"), where.names.profiles_table).scan(length=1):
        if profile.profile_id.startswith(USER_PREFIX):
            yield profile.profile_id.removeprefix(USER_PREFIX)
