"""Kinds of resources: their ARNs, their fields, and the operations on them."""

from __future__ import annotations

import hashlib

from alsolike.runtime.struct import struct


@struct
class Kind:
    """A kind of resources.

    Attributes
    ----------
    noun
        In the names of operations: `Create<noun>`, `Describe<noun>`, `Delete<noun>`, `List<noun>s`.
    field
        In requests and responses: `<field>`, `<field>Arn`, `<field>s`.
    path
        In ARNs: `<prefix>:<path>/<id>`.
    required
        Members that a request to create one must have.
    kept
        Members of a request that descriptions return.
    listed
        Members that lists return, in addition to name, ARN and times.
    has_status
        True if descriptions and lists state it; all of these resources are active at once.
    """

    noun: str
    field: str
    path: str
    required: tuple[str, ...]
    kept: tuple[str, ...]
    listed: tuple[str, ...] = ()
    has_status: bool = True

    @property
    def arn_field(self) -> str:
        """Name of the field with the ARN."""
        return f"{self.field}Arn"


SCHEMA = Kind(
    "Schema", "schema", "schema", required=("name", "schema"), kept=("schema", "domain"), listed=("domain",),
    has_status=False,
)  # fmt: skip
GROUP = Kind(
    "DatasetGroup", "datasetGroup", "dataset-group", required=("name",), kept=("roleArn", "kmsKeyArn", "domain"),
    listed=("domain",),
)  # fmt: skip
DATASET = Kind(
    "Dataset", "dataset", "dataset", required=("name", "schemaArn", "datasetGroupArn", "datasetType"),
    kept=("datasetGroupArn", "datasetType", "schemaArn"), listed=("datasetType",),
)  # fmt: skip
TRACKER = Kind(
    "EventTracker", "eventTracker", "event-tracker", required=("name", "datasetGroupArn"), kept=("datasetGroupArn",)
)
SOLUTION = Kind(
    "Solution", "solution", "solution", required=("name", "datasetGroupArn"),
    kept=(
        "performHPO", "performAutoML", "performAutoTraining", "performIncrementalUpdate", "recipeArn",
        "datasetGroupArn", "eventType", "solutionConfig",
    ),
    listed=("recipeArn",),
)  # fmt: skip

KINDS = (SCHEMA, GROUP, DATASET, TRACKER, SOLUTION)

EVENT_INTERACTIONS = "EVENT_INTERACTIONS"
DATASET_TYPES = ("INTERACTIONS", "ITEMS", "USERS")
"""Types of datasets that a request may create; `EVENT_INTERACTIONS` belongs to the event tracker."""


def tracker_id(name: str) -> str:
    """Return the id in the ARN of an event tracker, which is not its name."""
    return hashlib.sha256(name.encode()).hexdigest()[:8]
