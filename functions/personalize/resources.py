"""Resource types with their ARNs, fields and operations."""

from __future__ import annotations

import hashlib

from alsolike.runtime.struct import struct


@struct
class Kind:
    """Type of resources.

    Attributes
    ----------
    noun
        Noun in names of operations: `Create<noun>`, `Describe<noun>`, `Delete<noun>`, `List<noun>s`.
    field
        Name in requests and responses: `<field>`, `<field>Arn`, `<field>s`.
    path
        Path in ARNs: `<prefix>:<path>/<id>`.
    required
        Required members of a creation request.
    kept
        Members of a request that descriptions return.
    listed
        Members that lists return next to name, ARN, status and times.
    has_status
        True if descriptions and lists contain the status.
    changed
        Members of an update request. Empty if resources cannot be updated.
    name_field
        Member with the resource's name.
    has_deletion
        True if there is an operation `Delete<noun>`.
    """

    noun: str
    field: str
    path: str
    required: tuple[str, ...]
    kept: tuple[str, ...]
    listed: tuple[str, ...] = ()
    has_status: bool = True
    changed: tuple[str, ...] = ()
    name_field: str = "name"
    has_deletion: bool = True

    @property
    def arn_field(self) -> str:
        return f"{self.field}Arn"

    @property
    def list_field(self) -> str:
        """Name of the member with the resources in a list. As in Personalize, only `Filters` is capitalised."""
        return "Filters" if self.field == "filter" else f"{self.field}s"


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
SOLUTION_VERSION = Kind(
    "SolutionVersion", "solutionVersion", "solution", required=("solutionArn",),
    kept=(
        "solutionArn", "trainingMode", "datasetGroupArn", "recipeArn", "performHPO", "performAutoML", "eventType",
        "solutionConfig",
    ),
    listed=("trainingMode",), has_deletion=False,
)  # fmt: skip
CAMPAIGN = Kind(
    "Campaign", "campaign", "campaign", required=("name", "solutionVersionArn"),
    kept=("solutionVersionArn", "minProvisionedTPS", "campaignConfig"),
    changed=("solutionVersionArn", "minProvisionedTPS", "campaignConfig"),
)  # fmt: skip
RECOMMENDER = Kind(
    "Recommender", "recommender", "recommender", required=("name", "datasetGroupArn", "recipeArn"),
    kept=("datasetGroupArn", "recipeArn", "recommenderConfig"),
    listed=("datasetGroupArn", "recipeArn", "recommenderConfig"), changed=("recommenderConfig",),
)  # fmt: skip
FILTER = Kind(
    "Filter", "filter", "filter", required=("name", "datasetGroupArn", "filterExpression"),
    kept=("datasetGroupArn", "filterExpression"), listed=("datasetGroupArn",),
)  # fmt: skip

IMPORT_JOB = Kind(
    "DatasetImportJob", "datasetImportJob", "dataset-import-job", required=("jobName", "datasetArn"),
    kept=("datasetArn", "dataSource", "roleArn", "importMode", "publishAttributionMetricsToS3"),
    listed=("importMode",), name_field="jobName", has_deletion=False,
)  # fmt: skip

BATCH_JOB = Kind(
    "BatchInferenceJob", "batchInferenceJob", "batch-inference-job", required=("jobName", "solutionVersionArn"),
    kept=(
        "solutionVersionArn", "filterArn", "numResults", "jobInput", "jobOutput", "roleArn", "batchInferenceJobConfig",
        "batchInferenceJobMode",
    ),
    listed=("solutionVersionArn", "batchInferenceJobMode"), name_field="jobName", has_deletion=False,
)  # fmt: skip

SEGMENT_JOB = Kind(
    "BatchSegmentJob", "batchSegmentJob", "batch-segment-job", required=("jobName", "solutionVersionArn"),
    kept=("solutionVersionArn", "filterArn", "numResults", "jobInput", "jobOutput", "roleArn"),
    listed=("solutionVersionArn",), name_field="jobName", has_deletion=False,
)  # fmt: skip

KINDS = (
    SCHEMA, GROUP, DATASET, TRACKER, SOLUTION, SOLUTION_VERSION, CAMPAIGN, RECOMMENDER, FILTER, IMPORT_JOB, BATCH_JOB,
    SEGMENT_JOB,
)  # fmt: skip

DELETION_ORDER = (CAMPAIGN, RECOMMENDER, FILTER, SOLUTION, TRACKER, DATASET, SCHEMA, GROUP)
"""Types that can be deleted, each before the types that its resources reference."""

SERVED = (CAMPAIGN, RECOMMENDER, FILTER)
"""Types whose names occur in requests for recommendations."""

PUBLISHED = (*SERVED, DATASET)
"""Types whose names or columns occur in the S3 object that other functions read."""

EVENT_INTERACTIONS = "EVENT_INTERACTIONS"
DATASET_TYPES = ("INTERACTIONS", "ITEMS", "USERS", "ACTIONS", "ACTION_INTERACTIONS")
"""Types of datasets that a request may create and import. `EVENT_INTERACTIONS` belongs to the event tracker."""


def short_id(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]
