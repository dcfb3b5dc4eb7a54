"""Ids of people as a deployment stores them."""

from __future__ import annotations

from alsolike.pseudonyms import AS_THEY_COME, EdgeIds, Pseudonyms, pseudonyms_of
from cli.deployment import Deployment


def pseudonyms(where: Deployment) -> Pseudonyms:
    """Return the deployment's hashes.

    Raises
    ------
    Unavailable
        If Secrets Manager does not answer.
    """
    return pseudonyms_of(where.client("secretsmanager"), where.names.hash_key_arn)


def stored_ids(where: Deployment) -> EdgeIds:
    """Return what says under which ids the deployment stores users and sessions, as its API does."""
    return EdgeIds(lambda: pseudonyms(where)) if where.names.pseudonymise_ids == "1" else AS_THEY_COME
