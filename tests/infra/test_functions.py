"""Properties of each function: runtime, environment, layers, role and log."""

import dataclasses
import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

from alsolike.runtime.settings import from_environment
from infra_cdk.settings import Settings
from operations import cost
from tests.infra.assembly import FUNCTIONS, flat
from tests.infra.imports import libraries

LAYERS = Path(__file__).parents[2] / "layers"
LIBRARY_VARIABLES = {"POWERTOOLS_SERVICE_NAME", "POWERTOOLS_METRICS_NAMESPACE", "OPENBLAS_NUM_THREADS"}
RUNTIME = {"boto3", "botocore", "snapshot_restore_py"}
"""Packages of Lambda's Python runtime."""
PUBLISHED = {"awswrangler", "pandas", "pyarrow", "numpy"}
"""Packages of AWS's layer: https://aws-sdk-pandas.readthedocs.io/en/stable/layers.html"""


def variables(assembly, name):
    return assembly.function(name).properties["Environment"]["Variables"]


def layers(assembly, name):
    """Return the folders of a function's layers under `layers/`. `pandas` is the layer that AWS publishes."""
    return [
        "pandas"
        if isinstance(layer, str)
        else {"Core": "core", "OnnxRuntime": "onnx_runtime", "Sentences": "sentences"}[
            layer["Ref"].removeprefix("Layers")[:-8]
        ]
        for layer in assembly.function(name).properties["Layers"]
    ]


def packages(layer):
    if layer == "pandas":
        return PUBLISHED
    pins = re.findall(r"^([a-z0-9-]+)==", (LAYERS / layer / "requirements.txt").read_text(), re.MULTILINE)
    return {pin.replace("-", "_") for pin in pins}


def test_list_of_functions_is_complete(assembly):
    handlers = [function.properties["Handler"] for function in assembly.of_type("AWS::Lambda::Function")]

    assert sorted(handlers) == [f"functions.{name}.handler.lambda_handler" for name in FUNCTIONS]


def test_functions_run_python_3_13_on_arm64(assembly):
    expected = {"Runtime": "python3.13", "Architectures": ["arm64"]}

    others = {
        name: found
        for name in FUNCTIONS
        if (found := {key: assembly.function(name).properties.get(key) for key in expected}) != expected
    }

    assert others == {}


def test_environment_variables_equal_the_settings_of_the_function(assembly):
    offenders = {}
    for name in FUNCTIONS:
        settings = importlib.import_module(f"functions.{name}.settings").Settings
        given = variables(assembly, name)
        read = {field.name.upper() for field in dataclasses.fields(settings)}
        if different := (read ^ set(given)) - LIBRARY_VARIABLES - {"FORWARDS_ERASURES"}:  # only with two regions
            offenders[name] = different
        # This raises an error if a value does not have the type of its field.
        from_environment(settings, {key: flat(value) for key, value in given.items()})

    assert offenders == {}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_default_of_a_setting_is_declared_once(name):
    source = (Path(__file__).parents[2] / f"functions/{name}/settings.py").read_text()
    renamed = importlib.import_module(f"functions.{name}.manifest").MANIFEST.variables
    settings = {field.name for field in dataclasses.fields(Settings)}
    literals = [
        field
        for field, default in re.findall(r"^    (\w+): \w+ = ([\d.]+|\"\w+\")$", source, re.MULTILINE)
        if default != "0" and renamed.get(field, field) in settings
    ]

    assert literals == []


def test_functions_with_small_arrays_use_one_thread(assembly):
    limited = {name for name in FUNCTIONS if variables(assembly, name).get("OPENBLAS_NUM_THREADS") == "1"}

    assert limited == {"count_trends", "publish_catalog", "recommend"}


def test_functions_have_their_service_name_and_metric_namespace(demo):
    named = {name: variables(demo, name)["POWERTOOLS_SERVICE_NAME"] for name in FUNCTIONS}
    namespaces = {variables(demo, name)["POWERTOOLS_METRICS_NAMESPACE"] for name in FUNCTIONS}

    assert named == {name: name for name in FUNCTIONS}
    assert namespaces == {"Alsolike/demo"}


@pytest.mark.parametrize("what", ["CHAMPION", "CONFIGURATION", "SNAPSHOT", "TRENDS"])
def test_recommend_has_the_configured_check_intervals(demo, prod, what):
    def interval(assembly):
        return assembly.function("recommend").properties["Environment"]["Variables"][f"{what}_CHECK_S"]

    assert (interval(demo), interval(prod)) == ("1", "30")


def test_recommend_disk_holds_two_bundles_and_catalogues(spare, prod):
    def sizes(assembly):
        bundle: str = assembly.function("register_model").properties["Environment"]["Variables"]["MAX_BUNDLE_MB"]
        function = assembly.function("recommend").properties
        snapshot: str = function["Environment"]["Variables"]["MAX_SNAPSHOT_MB"]
        return bundle, snapshot, function["EphemeralStorage"]["Size"]

    assert (sizes(spare), sizes(prod)) == (("600", "300", 2048), ("150", "70", 512))


def test_gate_has_the_limits_of_the_environment(demo, prod):
    def gate_limits(assembly):
        variables = assembly.function("register_model").properties["Environment"]["Variables"]
        return tuple(variables[f"GATE_{name}"] for name in ("MIN_INTERACTIONS", "MAX_AGE_DAYS", "MARGIN_PERCENT"))

    assert gate_limits(demo) == ("50", "0", "2")  # 0 means any age.
    assert gate_limits(prod) == ("1000", "30", "2")


def test_layers_contain_exactly_what_the_function_imports(demo):
    offenders = {}
    for name in FUNCTIONS:
        handler = f"functions.{name}.handler"
        contents = {layer: packages(layer) for layer in layers(demo, name)}
        missing = libraries(handler, lazily=False) - RUNTIME - set().union(*contents.values())
        imported = libraries(handler, lazily=True)
        unused = {layer for layer, inside in contents.items() if not inside & imported}
        if missing or unused:
            offenders[name] = {"missing": missing, "unused": unused}

    assert offenders == {}


def test_core_layer_comes_first(demo):
    assert {name: layers(demo, name)[0] for name in FUNCTIONS} == dict.fromkeys(FUNCTIONS, "core")


def test_core_layer_functions_import_no_library_of_other_layers(demo):
    names = [name for name in FUNCTIONS if layers(demo, name) == ["core"]]
    others = ("numpy", "onnxruntime", "awswrangler", "pandas", "pyarrow", "boto3")
    script = f"import importlib, sys\nsys.modules |= dict.fromkeys({others})\n"
    script += "\n".join(f"importlib.import_module('functions.{name}.handler')" for name in names)

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60)

    assert (done.returncode, done.stderr) == (0, "")


def test_pandas_layer_is_the_one_published_by_aws(demo):
    layers = demo.function("archive_events").properties["Layers"]

    assert "{{resolve:ssm:/aws/service/aws-sdk-pandas/3.17.1/py3.13/arm64/layer-arn}}" in layers


def test_functions_share_no_role_and_no_log_group(assembly):
    functions = assembly.of_type("AWS::Lambda::Function")

    roles = {(function.stack, flat(function.properties["Role"])) for function in functions}
    groups = {(function.stack, flat(function.properties["LoggingConfig"]["LogGroup"])) for function in functions}

    assert len(roles) == len(groups) == len(functions)


def test_platform_log_lines_follow_the_setting(demo, prod):
    def logging(assembly):
        configured = [each.properties["LoggingConfig"] for each in assembly.of_type("AWS::Lambda::Function")]
        return {(each["LogFormat"], each.get("SystemLogLevel")) for each in configured}

    assert (logging(demo), logging(prod)) == ({("Text", None)}, {("JSON", "WARN")})
    assert not any(function.reports for function in cost.read_assembly(prod.directory).functions.values())
    assert all(function.reports for function in cost.read_assembly(demo.directory).functions.values())


def test_log_groups_have_the_retention_of_the_environment(demo, prod):
    def retentions(assembly):
        return {group.properties["RetentionInDays"] for group in assembly.of_type("AWS::Logs::LogGroup")}

    assert (retentions(demo), retentions(prod)) == ({7}, {90})


def test_reserved_concurrency_follows_the_settings(other):
    reserved = {
        each.properties["Handler"].split(".")[1]: each.properties["ReservedConcurrentExecutions"]
        for each in other.of_type("AWS::Lambda::Function")
        if "ReservedConcurrentExecutions" in each.properties
    }

    assert reserved == {
        "recommend": 100,
        "collect": 50,
        "authorize_session": 20,
        **dict.fromkeys(("observe", "operate", "personalize", "erase_user", "export_user"), 3),
        **dict.fromkeys(("update_profiles", "archive_events", "count_trends", "read_kafka"), 4),
    }
