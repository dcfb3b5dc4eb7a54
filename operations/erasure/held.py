"""Search for the data that a deployment holds about a user."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import pyarrow.parquet as pq

from alsolike.declarations.storage import ERASURE_RECEIPTS_PREFIX
from alsolike.privacy.erasures import ErasureReceipt
from alsolike.profiles.user_data import UserData, UserDataStores
from alsolike.runtime.s3 import scan
from operations.client.deployment import Deployment
from operations.client.stored_ids import pseudonyms

if TYPE_CHECKING:
    import pandas as pd


def receipts(where: Deployment) -> Iterator[ErasureReceipt]:
    """Yield every erasure's receipt."""
    for stored in scan(where.client("s3"), where.names.artefact_bucket, ERASURE_RECEIPTS_PREFIX):
        if stored.body is not None:
            yield ErasureReceipt.from_json(stored.body)


def user_data_of(where: Deployment, *, on_object: Callable[[], None]) -> UserData:
    """Return what finds a user's data."""
    names = where.names
    return UserData(
        where.client("s3"),
        where.client("dynamodb"),
        UserDataStores(names.lake_bucket, names.artefact_bucket, names.profiles_table, names.users_table),
        pseudonyms(where),
        _read_rows,
        _concatenate,
        on_object=on_object,
    )


def _read_rows(body: bytes, *, values: Mapping[str, Sequence[str]], columns: Sequence[str]) -> pd.DataFrame | None:
    """See `alsolike.profiles.user_data.ReadRows`."""
    import pandas as pd

    table = pq.read_table(io.BytesIO(body), filters=[[(name, "in", list(wanted))] for name, wanted in values.items()])
    if not table.num_rows:
        return None
    rows: pd.DataFrame = table.to_pandas(types_mapper=pd.ArrowDtype)
    return rows.reindex(columns=list(columns))


def _concatenate(frames: Sequence[pd.DataFrame], *, columns: Sequence[str]) -> pd.DataFrame:
    """See `alsolike.profiles.user_data.Concatenate`."""
    import pandas as pd

    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=list(columns))
