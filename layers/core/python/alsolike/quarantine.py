"""An unreadable stream record, stored in the lake bucket with the reason."""

from __future__ import annotations

import base64
import dataclasses
from typing import Any

import orjson

from alsolike import lake
from alsolike.errors import InvalidInput
from alsolike.stream import StreamRecord


@dataclasses.dataclass(frozen=True, slots=True)
class QuarantinedRecord:
    """An unreadable record. A repeated write produces the same object with the same bytes."""

    record: StreamRecord
    reason: str

    @property
    def key(self) -> str:
        """The key in the lake bucket, by the day of the record's arrival."""
        date = lake.event_date(self.record.arrived_ms)
        return lake.quarantine_key(date, shard_id=self.record.shard_id, sequence=self.record.sequence)

    def to_json(self) -> bytes:
        """Return the object's content: the record's fields with its data in base64, and the reason."""
        fields: dict[str, Any] = self.record._asdict()
        fields["data"] = base64.b64encode(self.record.data).decode()
        return orjson.dumps({"reason": self.reason, **fields}, option=orjson.OPT_INDENT_2)

    @classmethod
    def from_json(cls, data: bytes) -> QuarantinedRecord:
        """Return the record from the result of `to_json`.

        Raises
        ------
        InvalidInput
            If the document has another form.
        """
        try:
            fields = orjson.loads(data)
            reason = fields.pop("reason")
            fields["data"] = base64.b64decode(fields["data"], validate=True)
            return cls(StreamRecord(**fields), reason)
        except (ValueError, AttributeError, KeyError, TypeError) as error:
            raise InvalidInput(f"not a quarantined record: {error!r}") from error
