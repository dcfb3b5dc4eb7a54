"""Search for unsupported calls of Amazon Personalize in Python, JavaScript, notebooks and templates."""

import json

import pytest
from typer.testing import CliRunner

from alsolike.runtime.errors import InvalidInput
from cli.main import app
from operations.migration import find_refused_calls

PYTHON = """\
import boto3
personalize = boto3.client("personalize")
personalize.create_schema(name="s", schema="{}")
personalize.create_dataset_export_job(jobName="j", datasetArn=a, jobOutput=d)
boto3.client("personalize-runtime").get_recommendations(userId="42")
"""
JAVASCRIPT = """\
import { PersonalizeClient, StartRecommenderCommand } from "@aws-sdk/client-personalize";
await client.send(new StartRecommenderCommand({ recommenderArn: "r" }));
"""


def found(folder, **files):
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_dot_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return [(one.file, one.line, one.call) for one in find_refused_calls(folder)]


def test_calls_of_boto3_and_of_javascript_are_found(tmp_path):
    assert found(tmp_path, job_dot_py=PYTHON, web__app_dot_ts=JAVASCRIPT) == [
        ("job.py", 4, "create_dataset_export_job"),
        ("web/app.ts", 2, "StartRecommenderCommand"),
    ]


def test_calls_in_notebooks_and_templates_are_found(tmp_path):
    notebook = json.dumps({"cells": [{"source": ["personalize.create_data_deletion_job(jobName=name)\n"]}]})

    assert found(tmp_path, a_dot_ipynb=notebook, b_dot_yaml="Type: AWS::Personalize::Solution\n") == [
        ("a.ipynb", 1, "create_data_deletion_job"),
        ("b.yaml", 1, "AWS::Personalize::Solution"),
    ]


def test_other_services_and_installed_packages_are_omitted(tmp_path):
    assert not found(tmp_path, a_dot_py='boto3.client("guardduty").create_filter()', node_modules__b_dot_js=JAVASCRIPT)


def test_missing_folder_is_refused(tmp_path):
    with pytest.raises(InvalidInput, match="is not a folder"):
        list(find_refused_calls(tmp_path / "none"))


def test_command_prints_the_alternative_and_exits_with_1(tmp_path):
    (tmp_path / "job.py").write_text(PYTHON)

    failing = CliRunner().invoke(app, ["migrate-check", str(tmp_path), "--json"])
    (tmp_path / "job.py").write_text(PYTHON.replace("personalize.create_dataset_export_job", "#"))
    passing = CliRunner().invoke(app, ["migrate-check", str(tmp_path)])

    (one,) = json.loads(failing.stdout)
    assert (failing.exit_code, one["line"]) == (1, 4)
    assert "read the lake" in one["instead"]
    assert passing.exit_code == 0
