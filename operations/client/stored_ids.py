"""Ids of people as a deployment stores them."""

from __future__ import annotations

from alsolike.privacy.pseudonyms import PLAIN_IDS, IdPolicy, Pseudonyms, pseudonyms_of
from operations.client.deployment import Deployment


def pseudonyms(where: Deployment) -> Pseudonyms:
    """Return the deployment's hashes."""
    return pseudonyms_of(where.client("secretsmanager"), where.names.hash_key_arn)


def stored_ids(where: Deployment) -> IdPolicy:
    """Return what says under which ids the deployment stores users and sessions, as its API does."""
    return IdPolicy(lambda: pseudonyms(where)) if where.names.pseudonymise_ids == "1" else PLAIN_IDS
