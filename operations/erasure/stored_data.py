"""Search for the data that a deployment stores about a user."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from alsolike.declarations.storage import ERASURE_RECEIPTS_PREFIX
from alsolike.privacy.erasures import ErasureReceipt
from alsolike.profiles.user_export import UserData, UserDataStores
from alsolike.runtime.s3 import scan
from operations.client.deployment import Deployment
from operations.client.stored_ids import pseudonyms


def receipts(deployment: Deployment) -> Iterator[ErasureReceipt]:
    for stored in scan(deployment.client("s3"), deployment.names.artefact_bucket, ERASURE_RECEIPTS_PREFIX):
        if stored.body is not None:
            yield ErasureReceipt.from_json(stored.body)


def user_data_of(deployment: Deployment, *, on_object: Callable[[], None]) -> UserData:
    import pandas as pd
    import pyarrow.parquet as pq

    names = deployment.names
    return UserData(
        deployment.client("s3"),
        deployment.client("dynamodb"),
        UserDataStores(names.lake_bucket, names.artefact_bucket, names.profiles_table, names.users_table),
        pseudonyms(deployment),
        pd,
        pq,
        on_object=on_object,
    )
