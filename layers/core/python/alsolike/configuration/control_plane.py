"""Operations of Amazon Personalize's control plane, and alternatives to unsupported operations."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

_ATTRIBUTION = "Attribution always runs here: see `alsolike engagement` and the table `outcomes` of the lake"
_TAGS = "Tags of resources are not stored. Tag the deployment's stacks"
_EXPORTS = "The data are already in your account: read the lake"
_ERASURE = "Erase users with `alsolike users erase` or `DELETE /users/{userId}`"
_ALGORITHMS = "Algorithms are chosen by evaluation here: see `alsolike evaluate`"

REFUSED: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(
            ("StartRecommender", "StopRecommender"),
            "Recommenders cost nothing while no requests arrive: delete those that are not needed",
        ),
        "StopSolutionVersionCreation": "Stop the execution of the training workflow in Step Functions",
        "UpdateSolution": "Settings of solutions have no effect here. The setting `training_schedule` trains regularly",
        "UpdateDataset": "Declare columns in the configuration: `alsolike config schema` converts a schema",
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
"""Unsupported operations, each with a description of the alternative."""

EMPTY_LISTS: Mapping[str, str] = MappingProxyType(
    {
        "ListDatasetExportJobs": "datasetExportJobs",
        "ListDataDeletionJobs": "dataDeletionJobs",
        "ListMetricAttributions": "metricAttributions",
    }
)
"""Operations that always return an empty list, each with the response field that contains the list."""
