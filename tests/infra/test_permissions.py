"""Permissions of each function: one pair of action and resource for each call in its code."""

from tests.infra.assembly import FUNCTIONS, Assembly, flat, granted, statements
from tests.infra.grants import CONFIGURATION, CONSUMER, KEYS, TOMBSTONES

# The log, and X-Ray's daemon.
OWN_OUTPUT = {
    ("logs:CreateLogStream", "Log"),
    ("logs:PutLogEvents", "Log"),
}
# RowStore: put by batch_write_item, page by scan; update and delete by get_item and put_item.
ROWS = ("GetItem", "PutItem", "Scan")
# Each line is a call in the function's code. S3's HeadObject needs s3:GetObject, an upload in parts s3:PutObject.
EXPECTED = {
    "authorize_session": {("secretsmanager:GetSecretValue", "SessionKey")},  # SessionKeys: get_secret_value
    "collect": {
        ("kinesis:PutRecords", "Stream"),  # EventStream: put_records
        *((f"dynamodb:{action}", table) for action in ROWS for table in ("Catalogue", "Users")),
        *CONFIGURATION,
        *TOMBSTONES,
        *KEYS,
    },
    "update_profiles": CONSUMER
    | CONFIGURATION
    | TOMBSTONES
    | {
        ("dynamodb:BatchWriteItem", "Profiles"),  # ProfileStore.add_many: batch_write_item
        ("dynamodb:BatchGetItem", "Profiles"),  # ProfileStore.links: batch_get_item
        ("dynamodb:PutItem", "Profiles"),  # ProfileStore.join_many: query, put_item
        ("dynamodb:Query", "Profiles"),
    },
    "archive_events": CONSUMER
    | CONFIGURATION
    | TOMBSTONES
    | {
        # awswrangler's to_parquet of one path: put_object, from 5 MB on an upload in parts, which it never aborts
        ("s3:PutObject", "Lake/interactions/*"),
        ("s3:PutObject", "Lake/quarantine/*"),  # archive: put_object
    },
    "archive_served": {
        ("s3:PutObject", "Lake/served/*"),  # archive: put_object
        ("s3:PutObject", "Lake/quarantine/*"),  # archive: put_object
        ("s3:GetObject", "Artefacts/privacy/tombstones.json"),  # TombstoneReader: get_object
        ("s3:ListBucket", "Artefacts"),  # and NoSuchKey, not 403, before there is one
        # https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
        ("s3:PutObject", "Lake/*"),
        ("s3:ListBucket", "Lake"),
    },
    "attribute_outcomes": CONFIGURATION
    | {
        ("s3:ListBucket", "Lake"),  # Inputs: list_objects_v2
        *(("s3:GetObject", f"Lake/{prefix}/*") for prefix in ("served", "interactions")),  # rows_of: get_object
        ("s3:GetObject", "Lake/attribution/*"),  # ReceiptStore: get_object, put_object
        *(("s3:PutObject", f"Lake/{prefix}/*") for prefix in ("outcomes", "engagement", "attribution")),
        ("s3:DeleteObject", "Lake/outcomes/*"),  # Attribution: delete_object, where nothing is served any more
        # SnapshotReader: get_object
        *(("s3:GetObject", f"Artefacts/catalog/{name}") for name in ("current.json", "segments/*")),
        ("secretsmanager:GetSecretValue", "HashKey"),  # pseudonyms_of: get_secret_value
    },
    "monitor_models": CONFIGURATION
    | {
        ("s3:ListBucket", "Lake"),  # list_objects: list_objects_v2
        *(("s3:GetObject", f"Lake/{prefix}/*") for prefix in ("interactions", "served")),  # read_sample: get_object
        ("s3:GetObject", "Artefacts/registry/champion.json"),  # Registry.champion: get_object
        # read_baseline: get_object
        *(("s3:GetObject", f"Artefacts/models/*/{file}") for file in ("manifest.json", "ids.hash.npy", "ids.idx.npy")),
        ("s3:GetObject", "Artefacts/datasets/*/manifest.json"),
        # SnapshotReader: get_object
        *(("s3:GetObject", f"Artefacts/catalog/{name}") for name in ("current.json", "segments/*")),
        ("s3:GetObject", "Artefacts/monitoring/*"),  # StateStore: get_object, put_object
        ("s3:PutObject", "Artefacts/monitoring/*"),
        ("s3:GetObject", "Artefacts/workflow/training-run.json"),  # Turn.running: get_object
        ("dynamodb:Query", "Profiles"),  # ProfileStore.read_many: query
        ("states:StartExecution", "Workflow"),  # start: start_execution
        # outcome_of: describe_execution, get_execution_history; Turn.running: describe_execution
        *((f"states:{action}", "Workflow") for action in ("DescribeExecution", "GetExecutionHistory")),
    },
    "observe": CONFIGURATION
    | KEYS
    | {
        ("cloudwatch:GetMetricData", "*"),  # MetricReader: get_metric_data
        ("cloudwatch:DescribeAlarms", "*"),  # alarms: describe_alarms
        ("s3:ListBucket", "Lake"),  # scan: list_objects_v2
        # scan: get_object
        *(
            ("s3:GetObject", f"Lake/{prefix}/*")
            for prefix in ("engagement", "attribution", "outcomes", "quarantine", "aws/lambda")
        ),
        ("s3:GetObject", "Artefacts/monitoring/latest.json"),  # drift: get_object
        ("s3:GetObject", "Artefacts/catalog/current.json"),  # LastDay: get_object
        ("cloudformation:GetTemplate", "Stacks"),  # Deployed: get_template
    },
    # No model: what it promotes is there already.
    "operate": {
        *KEYS,
        ("s3:ListBucket", "Artefacts"),  # ModelFiles.stored: list_objects_v2; NoSuchKey, not 403
        ("s3:GetObject", "Artefacts/registry/champion.json"),  # Registry.champion: get_object
        ("s3:PutObject", "Artefacts/registry/champion.json"),  # Registry: put_object
        ("s3:GetObject", "Artefacts/registry/decisions/*"),  # Decisions.get, Decisions.force: get_object, put_object
        ("s3:PutObject", "Artefacts/registry/decisions/*"),
        ("s3:GetObject", "Artefacts/registry/canaries/*"),  # CanaryReports.read: get_object
        (
            "s3:GetObject",
            "Artefacts/models/*/manifest.json",
        ),  # ModelVersions.manifest: get_object; Registry: head_object
        ("sagemaker:ListModelPackages", "Models"),  # ModelVersions, Approvals: list_model_packages, of the group
        ("sagemaker:DescribeModelPackage", "Packages"),  # ModelVersions: describe_model_package
        ("sagemaker:UpdateModelPackage", "Packages"),  # Approvals: update_model_package
        ("states:StartExecution", "Workflow"),  # TrainingRuns.start: start_execution
        ("states:ListExecutions", "Workflow"),  # TrainingRuns.latest, check_idle: list_executions
        # TrainingRuns.latest, exists: describe_execution, get_execution_history
        *((f"states:{action}", "Workflow") for action in ("DescribeExecution", "GetExecutionHistory")),
        ("lambda:InvokeFunction", "Recommend"),  # ask: invoke
    },
    # ResourceStore: get_item, put_item, update_item, scan
    "personalize": KEYS
    | {(f"dynamodb:{action}", "Resources") for action in ("GetItem", "PutItem", "UpdateItem", "Scan")},
    "count_trends": CONSUMER
    | CONFIGURATION
    | TOMBSTONES
    | {
        ("s3:GetObject", "Artefacts/trends/*"),  # TrendsStore.read: get_object
        ("s3:PutObject", "Artefacts/trends/*"),  # TrendsStore.write: put_object
    },
    "build_dataset": CONFIGURATION
    | TOMBSTONES
    | {
        ("s3:ListBucket", "Lake"),  # list_objects: list_objects_v2
        ("s3:GetObject", "Lake/interactions/*"),  # read_lake: get_object
        ("s3:PutObject", "Artefacts/datasets/*"),  # awswrangler's to_parquet; the manifest's put_object
        ("dynamodb:Scan", "Catalogue"),  # CatalogueStore.scan
        ("dynamodb:Scan", "Users"),  # UserStore.scan
    },
    "compact_lake": CONFIGURATION
    | {
        ("s3:ListBucket", "Lake"),  # list_objects, ReceiptStore.all: list_objects_v2
        # Upkeep: get_object, head_object, put_object, delete_object; retention: delete_objects
        *(
            (f"s3:{action}Object", f"Lake/{table}/*")
            for action in ("Get", "Put", "Delete")
            for table in ("interactions", "served")
        ),
        ("s3:GetObject", "Lake/compactions/*"),  # ReceiptStore: get_object, put_object, delete_object
        ("s3:PutObject", "Lake/compactions/*"),
        ("s3:DeleteObject", "Lake/compactions/*"),
        ("s3:GetObject", "Artefacts/privacy/tombstones.json"),  # TombstoneReader: get_object
        ("secretsmanager:GetSecretValue", "HashKey"),  # pseudonyms_of: get_secret_value
    },
    "publish_catalog": CONFIGURATION
    | TOMBSTONES
    | {
        # Calls that Lambda makes: https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html
        *(
            (f"dynamodb:{action}", table)
            for action in ("DescribeStream", "GetRecords", "GetShardIterator")
            for table in ("Catalogue", "Users")
        ),
        ("dynamodb:ListStreams", "*"),
        ("s3:PutObject", "Lake/*"),
        ("s3:ListBucket", "Lake"),
        ("s3:PutObject", "Lake/catalogue/*"),  # write_log: put_object
        ("s3:PutObject", "Lake/users/*"),
        ("s3:GetObject", "Artefacts/catalog/current.json"),  # SnapshotStore.manifest: get_object
        ("s3:PutObject", "Artefacts/catalog/current.json"),  # SnapshotStore.replace: put_object
        ("s3:GetObject", "Artefacts/catalog/segments/*"),  # SnapshotStore.fetch: get_object
        ("s3:PutObject", "Artefacts/catalog/segments/*"),  # SnapshotStore.upload: upload_file, also in parts
        ("s3:AbortMultipartUpload", "Artefacts/catalog/segments/*"),  # upload_file, when a part fails
        ("s3:DeleteObject", "Artefacts/catalog/segments/*"),  # SnapshotStore.delete: delete_objects
        ("s3:GetObject", "Artefacts/registry/champion.json"),  # Registry.champion: get_object
        ("s3:GetObject", "Artefacts/models/*/content.tensors"),  # ChampionContents: get_object
    },
    "erase_user": {
        *TOMBSTONES,
        *KEYS,
        ("s3:PutObject", "Artefacts/privacy/tombstones.json"),  # add_tombstone: put_object
        ("dynamodb:BatchWriteItem", "Profiles"),  # ProfileStore.erase: batch_write_item
        ("s3:PutObject", "Artefacts/privacy/pending/*"),  # erase_user: put_object
        ("s3:GetObject", "Artefacts/privacy/receipts/*"),  # ReceiptStore: get_object, put_object
        ("s3:PutObject", "Artefacts/privacy/receipts/*"),
        ("states:StartExecution", "Workflow"),  # erase_user: start_execution
    },
    "purge_user": {
        ("s3:ListBucket", "Lake"),  # scan: list_objects_v2
        ("s3:ListBucket", "Artefacts"),
        *(
            (f"s3:{action}Object", f"{place}/*")  # scan: get_object; _rewrite, overwrite: put_object; delete
            for action in ("Get", "Put", "Delete")
            for place in (
                "Lake/interactions",
                "Lake/served",
                "Lake/outcomes",
                "Lake/users",
                "Lake/aws/lambda",
                "Artefacts/datasets",
            )
        ),
        ("secretsmanager:GetSecretValue", "HashKey"),  # pseudonyms_of: get_secret_value
        ("s3:GetObject", "Lake/quarantine/*"),
        ("s3:DeleteObject", "Lake/quarantine/*"),
        ("s3:GetObject", "Artefacts/privacy/tombstones.json"),  # add_session_tombstones: get_object, put_object
        ("s3:PutObject", "Artefacts/privacy/tombstones.json"),
        *((f"s3:{action}", "Artefacts/privacy/pending/*") for action in ("GetObject", "PutObject", "DeleteObject")),
        ("s3:DeleteObjectVersion", "Artefacts/privacy/pending/*"),  # ProgressStore.forget: delete_objects
        ("s3:ListBucketVersions", "Artefacts"),  # ProgressStore.forget: list_object_versions
        ("s3:GetObject", "Artefacts/privacy/receipts/*"),  # ReceiptStore: get_object, put_object
        ("s3:PutObject", "Artefacts/privacy/receipts/*"),
        ("s3:GetObject", "Artefacts/registry/champion.json"),  # Registry.champion: get_object
        *((f"dynamodb:{action}Item", "Users") for action in ("Get", "Delete")),
        # ProfileStore.keys, sessions_of, delete: query, batch_get_item, batch_write_item
        *((f"dynamodb:{action}", "Profiles") for action in ("Query", "BatchGetItem", "BatchWriteItem")),
    },
    "export_user": {
        *KEYS,
        ("s3:ListBucket", "Lake"),  # scan: list_objects_v2
        ("s3:ListBucket", "Artefacts"),  # without it get_object of what is not there says 403, not NoSuchKey
        ("s3:GetObject", "Lake/interactions/*"),
        ("s3:GetObject", "Lake/served/*"),
        ("s3:GetObject", "Lake/quarantine/*"),
        ("s3:GetObject", "Artefacts/privacy/receipts/*"),  # ReceiptStore.find: get_object
        ("dynamodb:Query", "Profiles"),  # ProfileStore.read, sessions_of: query
        ("dynamodb:GetItem", "Users"),
        ("dynamodb:BatchGetItem", "Profiles"),  # ProfileStore.sessions_of: batch_get_item
        ("secretsmanager:GetSecretValue", "HashKey"),
    },
    "start_training": {
        ("s3:ListBucket", "Lake"),  # LakeSize: list_objects_v2
        ("s3:ListBucket", "Artefacts"),  # copy_champion: list_objects_v2; Turn, Registry: NoSuchKey, not 403
        *((f"s3:{action}Object", "Artefacts/workflow/training-run.json") for action in ("Get", "Put")),  # Turn
        ("s3:GetObject", "Artefacts/registry/champion.json"),  # Registry.champion: get_object
        ("s3:PutObject", "Artefacts/registry/champion.json"),  # Registry.end_canary: put_object
        ("s3:GetObject", "Artefacts/models/*"),  # copy_champion: copy_object, which reads the one
        ("s3:PutObject", "Artefacts/datasets/*/champion/*"),  # and writes the other
        ("s3:DeleteObject", "Artefacts/datasets/*"),  # ModelFiles.delete: delete_objects
    },
    "run_canary": CONFIGURATION
    | {
        ("s3:GetObject", "Artefacts/models/*"),  # Registry: head_object
        ("s3:DeleteObject", "Artefacts/models/*"),  # ModelFiles.delete: delete_objects
        ("s3:GetObject", "Artefacts/registry/champion.json"),  # Registry.champion: get_object
        ("s3:PutObject", "Artefacts/registry/champion.json"),  # Registry.promote: put_object
        ("s3:GetObject", "Artefacts/registry/canaries/*"),  # CanaryReports: get_object, put_object
        ("s3:PutObject", "Artefacts/registry/canaries/*"),
        ("s3:GetObject", "Artefacts/registry/decisions/*"),  # the gate's decision: get_object
        ("s3:ListBucket", "Lake"),  # Lake: list_objects_v2
        ("s3:GetObject", "Lake/served/*"),  # Lake: get_object
        ("s3:GetObject", "Lake/outcomes/*"),
        ("sagemaker:ListModelPackages", "Models"),  # Approvals: list_model_packages, of the group
        ("sagemaker:UpdateModelPackage", "Packages"),  # Approvals: update_model_package
    },
    "register_model": {
        ("s3:ListBucket", "Artefacts"),  # without it get_object of what is not there says 403, not NoSuchKey
        ("s3:GetObject", "Artefacts/training/*"),  # ModelStore.open: get_object
        ("s3:GetObject", "Artefacts/models/*"),  # ModelStore.manifest: get_object; Registry: head_object
        ("s3:PutObject", "Artefacts/models/*"),  # ModelStore.upload: upload_file, also in parts
        ("s3:AbortMultipartUpload", "Artefacts/models/*"),  # upload_file, when a part fails
        ("s3:GetObject", "Artefacts/registry/champion.json"),  # Registry.champion: get_object
        ("s3:GetObject", "Artefacts/registry/decisions/*"),  # Decisions.get: get_object
        ("s3:PutObject", "Artefacts/registry/decisions/*"),  # Decisions.keep: put_object
        ("sagemaker:ListModelPackages", "Models"),  # ModelPackages: list_model_packages, of the group
        ("sagemaker:CreateModelPackage", "Models"),  # ModelPackages: create_model_package, of the group
        ("sagemaker:CreateModelPackage", "Packages"),  # and as the package that it becomes
    },
    "recommend": {
        *KEYS,
        ("dynamodb:Query", "Profiles"),  # ProfileStore.read, read_many: query
        ("s3:GetObject", "Artefacts/batch/*.json"),  # BatchFiles.users: get_object
        ("s3:PutObject", "Artefacts/batch/*.jsonl"),  # BatchFiles.put: put_object
        ("dynamodb:GetItem", "Users"),  # UserStore.get: get_item
        ("s3:GetObject", "Artefacts/config/current.json"),  # ConfigurationReader: get_object
        ("s3:GetObject", "Artefacts/catalog/current.json"),  # SnapshotStore.manifest: get_object
        ("s3:GetObject", "Artefacts/catalog/segments/*"),  # SnapshotStore.fetch: get_object
        ("secretsmanager:GetSecretValue", "HashKey"),  # pseudonyms_of: get_secret_value
        ("s3:GetObject", "Artefacts/registry/champion.json"),  # Registry.champion: get_object
        ("s3:GetObject", "Artefacts/models/*"),  # BundleCache: get_object
        ("s3:GetObject", "Artefacts/trends/*"),  # TrendsStore.read: get_object
        # TrendsStore.etags: list_objects_v2; without it get_object of what is not there says 403, not NoSuchKey
        ("s3:ListBucket", "Artefacts"),
    },
    "write_recommendations": {
        ("s3:ListBucket", "Artefacts"),  # write: list_objects_v2; head_object of a part that is not there yet
        ("s3:GetObject", "Artefacts/batch/*"),  # write: get_object, head_object
        ("s3:PutObject", "Artefacts/batch/*"),  # write: put_object
        ("s3:DeleteObject", "Artefacts/batch/*"),  # write: delete_object
    },
}


def test_functions_may_do_what_they_need_and_nothing_else(assembly: Assembly) -> None:
    offenders = {
        name: different
        for name in FUNCTIONS
        if (different := granted(assembly.role(assembly.function(name))) ^ (EXPECTED[name] | OWN_OUTPUT))
    }

    assert offenders == {}


def test_every_function_writes_only_its_own_log(assembly: Assembly) -> None:
    for function in map(assembly.function, FUNCTIONS):
        (log,) = [s["Resource"] for s in statements(assembly.role(function)) if "logs:PutLogEvents" in s["Action"]]

        assert flat(log) == f"{flat(function.properties['LoggingConfig']['LogGroup'])}.Arn"
