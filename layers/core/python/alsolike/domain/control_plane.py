"""Operations of Amazon Personalize's control plane: those that this product answers, and what replaces the others."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

NO_ACTIONS = "Next best action has no equivalent here"
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

RECORDED = ("Schema", "DatasetGroup", "Dataset", "EventTracker", "Solution")
"""Resources that can be created, described, deleted and listed."""
