"""What each function is: its runtime, environment, layers, role and log."""

import subprocess
import sys

import pytest

from tests.infra.assembly import FUNCTIONS, Assembly, flat

VARIABLES = {
    "operate": {
        "ARTEFACT_BUCKET",
        "MODEL_PACKAGE_GROUP",
        "STATE_MACHINE_ARN",
        "RECOMMEND_FUNCTION",
        "CANARY_SHARE_PERCENT",
    },
    "start_training": {"ARTEFACT_BUCKET", "LAKE_BUCKET", "DATASET_ENGINE", "SPARK_ABOVE_MB"},
    "run_canary": {
        "ARTEFACT_BUCKET",
        "LAKE_BUCKET",
        "MODEL_PACKAGE_GROUP",
        "CANARY_SHARE_PERCENT",
        "CANARY_DURATION_S",
        "CANARY_MAX_ERROR_PERCENT",
        "CANARY_MAX_LATENCY_PERCENT",
        "MODELS_KEPT",
    },
    "authorize_session": {"SESSION_KEY_ARN"},
    "publish_catalog": {
        "LAKE_BUCKET",
        "ARTEFACT_BUCKET",
        "CONFIGURATION_CHECK_S",
        "SECRET_ARN",
        "TOMBSTONE_CHECK_S",
        "MAX_SNAPSHOT_MB",
        "OPENBLAS_NUM_THREADS",
    },
    "monitor_models": {
        "LAKE_BUCKET",
        "ARTEFACT_BUCKET",
        "PROFILES_TABLE",
        "STATE_MACHINE_ARN",
        "DRIFT_PSI_PERCENT",
        "DRIFT_HOURS",
        "DRIFT_RETRAINS",
        "RETRAIN_INTERACTIONS",
        "SILENT_HOURS",
        "STALE_DAYS",
    },
    "attribute_outcomes": {
        "LAKE_BUCKET",
        "ARTEFACT_BUCKET",
        "SECRET_ARN",
        "CONFIGURATION_CHECK_S",
        "WINDOW_DAYS",
        "SERVED_DAYS",
    },
    "compact_lake": {"LAKE_BUCKET", "ARTEFACT_BUCKET", "SECRET_ARN", "CONFIGURATION_CHECK_S"},
    "collect": {
        "STREAM_NAME",
        "CATALOGUE_TABLE",
        "USERS_TABLE",
        "TRACKING_ID",
        "ITEMS_DATASET_ARN",
        "USERS_DATASET_ARN",
        "ARTEFACT_BUCKET",
        "CONFIGURATION_CHECK_S",
        "SECRET_ARN",
        "TOMBSTONE_CHECK_S",
        "PSEUDONYMISE_IDS",
    },
    "update_profiles": {
        "PROFILES_TABLE",
        "ARTEFACT_BUCKET",
        "CONFIGURATION_CHECK_S",
        "SECRET_ARN",
        "TOMBSTONE_CHECK_S",
    },
    "archive_events": {
        "LAKE_BUCKET",
        "ARTEFACT_BUCKET",
        "CONFIGURATION_CHECK_S",
        "SECRET_ARN",
        "TOMBSTONE_CHECK_S",
    },
    "archive_served": {"LAKE_BUCKET", "ARTEFACT_BUCKET", "TOMBSTONE_CHECK_S"},
    "count_trends": {
        "ARTEFACT_BUCKET",
        "CONFIGURATION_CHECK_S",
        "SECRET_ARN",
        "TOMBSTONE_CHECK_S",
        "OPENBLAS_NUM_THREADS",
    },
    "build_dataset": {"LAKE_BUCKET", "ARTEFACT_BUCKET", "CATALOGUE_TABLE", "USERS_TABLE", "SECRET_ARN"},
    "erase_user": {"ARTEFACT_BUCKET", "PROFILES_TABLE", "SECRET_ARN", "STATE_MACHINE_ARN", "PSEUDONYMISE_IDS"},
    "export_user": {
        "LAKE_BUCKET",
        "ARTEFACT_BUCKET",
        "PROFILES_TABLE",
        "USERS_TABLE",
        "SECRET_ARN",
        "PSEUDONYMISE_IDS",
    },
    "purge_user": {
        "LAKE_BUCKET",
        "ARTEFACT_BUCKET",
        "PROFILES_TABLE",
        "USERS_TABLE",
        "SECRET_ARN",
        "OBJECT_VERSION_DAYS",
        "STREAM_HOURS",
        "TABLE_BACKUP_DAYS",
        "LOG_DAYS",
        "ACCESS_LOG_DAYS",
        "BATCH_DAYS",
        "RETRAIN_DAYS",
    },
    "register_model": {
        "ARTEFACT_BUCKET",
        "MODEL_PACKAGE_GROUP",
        "MAX_BUNDLE_MB",
        "GATE_MIN_INTERACTIONS",
        "GATE_MIN_USERS",
        "GATE_MAX_AGE_DAYS",
        "GATE_MIN_COMPARED_USERS",
        "GATE_TOLERANCE_PERCENT",
        "GATE_MAX_SLICE_DROP_PERCENT",
        "GATE_MAX_FALL_PERCENT",
        "GATE_MIN_COVERAGE_PERCENT",
        "GATE_MAX_POPULARITY_RATIO",
        "GATE_MAX_LATENCY_MS",
    },
    "recommend": {
        "PROFILES_TABLE",
        "USERS_TABLE",
        "ARTEFACT_BUCKET",
        "CHAMPION_CHECK_S",
        "CONFIGURATION_CHECK_S",
        "SNAPSHOT_CHECK_S",
        "TRENDS_CHECK_S",
        "MAX_SNAPSHOT_MB",
        "TIME_BUDGET_MS",
        "OPENBLAS_NUM_THREADS",
        "SECRET_ARN",
        "PSEUDONYMISE_IDS",
    },
    "write_recommendations": {"ARTEFACT_BUCKET"},
    "observe": {
        "DEPLOYMENT",
        "API_ID",
        "PROFILES_TABLE",
        "STACKS",
        "STREAM_NAME",
        "LAKE_BUCKET",
        "ARTEFACT_BUCKET",
        "CONFIGURATION_CHECK_S",
    },
}
LAYERS = {
    "start_training": ["Core"],
    "observe": ["Core", "Pandas"],
    "run_canary": ["Core", "Pandas"],
    "authorize_session": ["Core"],
    "erase_user": ["Core"],
    "export_user": ["Core", "Pandas"],
    "operate": ["Core"],
    "purge_user": ["Core", "Pandas"],
    "publish_catalog": ["Core", "OnnxRuntime"],
    "attribute_outcomes": ["Core", "Pandas"],
    "monitor_models": ["Core", "Pandas"],
    "compact_lake": ["Core", "Pandas"],
    "collect": ["Core"],
    "update_profiles": ["Core"],
    "archive_events": ["Core", "Pandas"],
    "archive_served": ["Core", "Pandas"],
    "count_trends": ["Core", "OnnxRuntime"],
    "build_dataset": ["Core", "Pandas"],
    "register_model": ["Core", "OnnxRuntime"],
    "recommend": ["Core", "OnnxRuntime"],
    "write_recommendations": ["Core", "Pandas"],
}


def test_these_are_all_functions(assembly: Assembly) -> None:
    handlers = [function.properties["Handler"] for function in assembly.of_type("AWS::Lambda::Function")]

    assert sorted(handlers) == [f"functions.{name}.handler.lambda_handler" for name in FUNCTIONS]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_function_runs_python_3_13_on_arm64_and_is_traced(assembly: Assembly, name: str) -> None:
    properties = assembly.function(name).properties

    assert properties["Runtime"] == "python3.13"
    assert properties["Architectures"] == ["arm64"]
    assert properties["TracingConfig"] == {"Mode": "Active"}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_environment_is_what_the_function_reads(demo: Assembly, name: str) -> None:
    variables = demo.function(name).properties["Environment"]["Variables"]

    assert set(variables) == VARIABLES[name] | {"POWERTOOLS_SERVICE_NAME", "POWERTOOLS_METRICS_NAMESPACE"}
    assert variables["POWERTOOLS_SERVICE_NAME"] == name
    assert variables["POWERTOOLS_METRICS_NAMESPACE"] == "Alsolike/demo"


@pytest.mark.parametrize("what", ["CHAMPION", "CONFIGURATION", "SNAPSHOT", "TRENDS"])
def test_recommend_looks_for_news_as_often_as_the_environment_says(demo: Assembly, prod: Assembly, what: str) -> None:
    def interval(assembly: Assembly) -> str:
        value: str = assembly.function("recommend").properties["Environment"]["Variables"][f"{what}_CHECK_S"]
        return value

    assert (interval(demo), interval(prod)) == ("1", "30")


def test_largest_bundle_and_catalogue_fit_twice_on_the_disk_of_recommend(demo: Assembly, prod: Assembly) -> None:
    def sizes(assembly: Assembly) -> tuple[str, str, int]:
        bundle: str = assembly.function("register_model").properties["Environment"]["Variables"]["MAX_BUNDLE_MB"]
        function = assembly.function("recommend").properties
        snapshot: str = function["Environment"]["Variables"]["MAX_SNAPSHOT_MB"]
        return bundle, snapshot, function["EphemeralStorage"]["Size"]

    assert (sizes(demo), sizes(prod)) == (("600", "300", 2048), ("150", "70", 512))


def test_gate_asks_for_what_the_environment_says(demo: Assembly, prod: Assembly) -> None:
    def asked(assembly: Assembly) -> tuple[str, ...]:
        variables = assembly.function("register_model").properties["Environment"]["Variables"]
        return tuple(variables[f"GATE_{name}"] for name in ("MIN_INTERACTIONS", "MAX_AGE_DAYS", "TOLERANCE_PERCENT"))

    assert asked(demo) == ("50", "0", "5")  # 0: of any age
    assert asked(prod) == ("1000", "30", "5")


@pytest.mark.parametrize("name", FUNCTIONS)
def test_layers_are_those_that_the_function_imports(demo: Assembly, name: str) -> None:
    function = demo.function(name)

    layers = [
        "Pandas" if isinstance(layer, str) else layer["Ref"].removeprefix("Layers")[:-8]
        for layer in function.properties["Layers"]
    ]

    assert layers == LAYERS[name]


def test_functions_of_the_core_layer_alone_start_without_the_libraries_of_the_others() -> None:
    names = [name for name, layers in LAYERS.items() if layers == ["Core"]]
    others = ("numpy", "onnxruntime", "awswrangler", "pandas", "pyarrow", "boto3")
    script = f"import importlib, sys\nsys.modules |= dict.fromkeys({others})\n"
    script += "\n".join(f"importlib.import_module('functions.{name}.handler')" for name in names)

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60)

    assert (done.returncode, done.stderr) == (0, "")


def test_pandas_layer_is_the_one_that_aws_publishes(demo: Assembly) -> None:
    layers = demo.function("archive_events").properties["Layers"]

    assert "arn:aws:lambda:us-east-1:336392948345:layer:AWSSDKPandas-Python313-Arm64:16" in layers


def test_no_two_functions_share_a_role_or_a_log_group(assembly: Assembly) -> None:
    functions = assembly.of_type("AWS::Lambda::Function")

    roles = {(function.stack, flat(function.properties["Role"])) for function in functions}
    groups = {(function.stack, flat(function.properties["LoggingConfig"]["LogGroup"])) for function in functions}

    assert len(roles) == len(groups) == len(functions)


def test_every_log_group_has_the_retention_of_its_environment(demo: Assembly, prod: Assembly) -> None:
    def retentions(assembly: Assembly) -> set[int]:
        return {group.properties["RetentionInDays"] for group in assembly.of_type("AWS::Logs::LogGroup")}

    assert (retentions(demo), retentions(prod)) == ({7}, {90})
