"""Keys and prefixes of objects in a deployment's buckets, and the log group of its jobs."""

from alsolike.declarations.tables import ENGAGEMENT_TABLE, INTERACTIONS_TABLE, OUTCOMES_TABLE, SERVED_TABLE

# The lake bucket.
INTERACTIONS_PREFIX = f"{INTERACTIONS_TABLE}/"
SERVED_PREFIX = f"{SERVED_TABLE}/"
OUTCOMES_PREFIX = f"{OUTCOMES_TABLE}/"
ENGAGEMENT_PREFIX = f"{ENGAGEMENT_TABLE}/"
ATTRIBUTION_PREFIX = "attribution/"
"""Receipts of attributed days."""
INCREMENTS_KEY = f"{ATTRIBUTION_PREFIX}increments.json"
"""Report of the holdout, computed once a day."""
FORECASTS_PREFIX = f"{ATTRIBUTION_PREFIX}forecasts/"
"""Records of forecasts for the console and for canaries."""
COMPACTIONS_PREFIX = "compactions/"
ITEM_CHANGES_PREFIX = "catalogue/"
USER_CHANGES_PREFIX = "users/"
QUARANTINE_PREFIX = "quarantine/"
FAILED_BATCHES_PREFIX = "aws/lambda/"
"""Failed batches that Lambda does not retry further. The prefix is fixed by Lambda:
https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html
"""
LAKE_PREFIXES = (
    INTERACTIONS_PREFIX,
    SERVED_PREFIX,
    OUTCOMES_PREFIX,
    ENGAGEMENT_PREFIX,
    ATTRIBUTION_PREFIX,
    COMPACTIONS_PREFIX,
    ITEM_CHANGES_PREFIX,
    USER_CHANGES_PREFIX,
    QUARANTINE_PREFIX,
    FAILED_BATCHES_PREFIX,
)

# The artefact bucket.
CONFIGURATION_PREFIX = "config/"
CONFIGURATION_KEY = f"{CONFIGURATION_PREFIX}current.json"
OWN_NAMES_KEY = f"{CONFIGURATION_PREFIX}own-names.json"
"""Aliases, filters and columns that clients of Amazon Personalize created."""
CONFIGURATION_VERSIONS_PREFIX = f"{CONFIGURATION_PREFIX}versions/"
CATALOG_PREFIX = "catalog/"
ACTIONS_KEY = f"{CATALOG_PREFIX}actions.json"
SNAPSHOT_KEY = f"{CATALOG_PREFIX}current.json"
"""Manifest of the catalogue snapshot."""
SEGMENTS_PREFIX = f"{CATALOG_PREFIX}segments/"
DATASETS_PREFIX = "datasets/"
TRAINING_PREFIX = "training/"
"""Output of the SageMaker jobs."""
GRAPHS_PREFIX = f"{TRAINING_PREFIX}graphs/"
"""Imported graphs of other trainers, by checksum. A training run that evaluates a graph copies the graph to the run's
dataset.
"""
TRAINING_RUN_KEY = "workflow/training-run.json"
MODELS_PREFIX = "models/"
REGISTRY_PREFIX = "registry/"
CHAMPION_KEY = f"{REGISTRY_PREFIX}champion.json"
CANARIES_PREFIX = f"{REGISTRY_PREFIX}canaries/"
DECISIONS_PREFIX = f"{REGISTRY_PREFIX}decisions/"
MONITORING_PREFIX = "monitoring/"
MONITORING_LATEST_KEY = f"{MONITORING_PREFIX}latest.json"
MONITORING_STATE_KEY = f"{MONITORING_PREFIX}state.json"
TRENDS_PREFIX = "trends/"
"""Trend counters, one object per shard of the stream."""
TOMBSTONES_KEY = "privacy/tombstones.json"
PENDING_ERASURES_PREFIX = "privacy/pending/"
ERASURE_RECEIPTS_PREFIX = "privacy/receipts/"
FORWARDED_ERASURES_PREFIX = "privacy/forwarded/"
"""Requested erasures for the other region, with the user ID."""
BATCH_PREFIX = "batch/"
IMPORTS_PREFIX = "imports/"

# The bucket of the pages.
LISTS_PREFIX = "lists/"
LISTS_KEY = f"{LISTS_PREFIX}lists.json"
"""File of static lists. This file contains the names of the shards with the lists."""

TRAINING_LOG_GROUP = "/aws/sagemaker/TrainingJobs"
"""Log group of all training jobs of an account. The name is fixed by SageMaker."""
