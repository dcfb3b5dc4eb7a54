"""Days for which stored data is kept. Some are defaults of settings (`infra_cdk/settings.py`)."""

# Rows of DynamoDB, counted from the last write.
PROFILE_DAYS = 400
SESSION_PROFILE_DAYS = 90
# Added to `PROFILE_DAYS` for the DynamoDB item with which erasures and exports find a user's session. This item must
# exist longer than the session's link to the user (`~joined`), which DynamoDB may delete late.
SESSION_ITEM_DAYS = 30

# Deletions in the catalogue's snapshot. Live profiles may contain a deleted item for this time, and so may models.
ITEM_TOMBSTONE_DAYS = PROFILE_DAYS
# Tombstones of erased sessions are needed while quarantined records can be replayed.
SESSION_TOMBSTONE_DAYS = 100

# Objects of S3.
SERVED_DAYS = 90  # The recommendation log.
QUARANTINE_DAYS = 90  # Quarantined records and failed batches.
FORECAST_DAYS = 90
DATASET_DAYS_AT_MOST = 90
TRAINING_JOB_DAYS = 30
BATCH_DAYS = 30
TRENDS_DAYS = 28  # Four times `trends.BASELINE_S`. The counters of a closed shard have then decayed to 2%.
FORWARDED_ERASURE_DAYS = 30  # After a longer outage, the other region does not get the erasure.
OBJECT_VERSION_DAYS = 30  # Noncurrent versions, if their prefix has no shorter time.
ACCESS_LOG_DAYS = 90
AUDIT_TRAIL_DAYS = 365

# DynamoDB tables. AWS limits these times.
POINT_IN_TIME_RECOVERY_DAYS = 35
TABLE_STREAM_DAYS = 1  # https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html
