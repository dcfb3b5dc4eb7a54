"""Kinds of resources: their ARNs, their fields, and the operations on them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from types import MappingProxyType

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


_NO_ACTIONS = "Next best action has no equivalent here"
_ATTRIBUTION = "Attribution runs always here: see `alsolike engagement` and the table `outcomes` of the lake"
_TAGS = "Tags of resources are not stored. Tag the deployment's stacks"
_CAMPAIGNS = (
    "Campaigns and recommenders are names in the configuration here: declare them under `aliases` "
    "and run `alsolike config apply`"
)
_FILTERS = "Filters are part of the configuration here: declare them under `filters` and run `alsolike config apply`"
_TRAINING = (
    "Train with `alsolike train`; `alsolike models list` shows the versions and `alsolike models promote` serves one"
)
_IMPORTS = "Import files with `alsolike import interactions`, `alsolike import items` and `alsolike import users`"
_BATCHES = "Write batch recommendations with `alsolike recommend --users`"
_SEGMENTS = "User segments have no equivalent here: query the lake with SQL"
_EXPORTS = "The data are already in your account: read the lake"
_ERASURE = "Erase users with `alsolike users erase` or `DELETE /users/{userId}`"
_ALGORITHMS = "Algorithms are chosen by evaluation here: see `alsolike evaluate`"

REFUSED: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(
            ("CreateCampaign", "DescribeCampaign", "UpdateCampaign", "DeleteCampaign", "CreateRecommender",
             "DescribeRecommender", "UpdateRecommender", "DeleteRecommender", "StartRecommender", "StopRecommender"),
            _CAMPAIGNS,
        ),
        **dict.fromkeys(("CreateFilter", "DescribeFilter", "DeleteFilter"), _FILTERS),
        **dict.fromkeys(
            ("CreateSolutionVersion", "DescribeSolutionVersion", "StopSolutionVersionCreation", "GetSolutionMetrics",
             "UpdateSolution"),
            _TRAINING,
        ),
        **dict.fromkeys(("CreateDatasetImportJob", "DescribeDatasetImportJob", "UpdateDataset"), _IMPORTS),
        **dict.fromkeys(("CreateBatchInferenceJob", "DescribeBatchInferenceJob"), _BATCHES),
        **dict.fromkeys(("CreateBatchSegmentJob", "DescribeBatchSegmentJob"), _SEGMENTS),
        **dict.fromkeys(("CreateDatasetExportJob", "DescribeDatasetExportJob"), _EXPORTS),
        **dict.fromkeys(("CreateDataDeletionJob", "DescribeDataDeletionJob"), _ERASURE),
        **dict.fromkeys(
            ("CreateMetricAttribution", "DescribeMetricAttribution", "UpdateMetricAttribution",
             "DeleteMetricAttribution", "ListMetricAttributionMetrics"),
            _ATTRIBUTION,
        ),
        **dict.fromkeys(("DescribeAlgorithm", "DescribeFeatureTransformation"), _ALGORITHMS),
        **dict.fromkeys(("TagResource", "UntagResource", "ListTagsForResource"), _TAGS),
    }
)  # fmt: skip
"""Operations without an equivalent, each with a sentence that names the alternative."""

EMPTY_LISTS: Mapping[str, str] = MappingProxyType(
    {
        "ListCampaigns": "campaigns",
        "ListRecommenders": "recommenders",
        "ListFilters": "Filters",
        "ListSolutionVersions": "solutionVersions",
        "ListDatasetImportJobs": "datasetImportJobs",
        "ListBatchInferenceJobs": "batchInferenceJobs",
        "ListBatchSegmentJobs": "batchSegmentJobs",
        "ListDatasetExportJobs": "datasetExportJobs",
        "ListDataDeletionJobs": "dataDeletionJobs",
        "ListMetricAttributions": "metricAttributions",
    }
)
"""Lists of resources that cannot be created, with the field of their responses."""

NO_ACTIONS = _NO_ACTIONS
