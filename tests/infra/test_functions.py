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
        off_by_default = {"FORWARDED_DAYS", "FORWARDS_ERASURES", "PRIVATE_API"}
        if different := (read ^ set(given)) - LIBRARY_VARIABLES - off_by_default:
            offenders[name] = different
        # `from_environment` raises an error if a value does not have the type of its field.
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

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=300)

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
