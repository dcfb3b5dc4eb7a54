"""A sentence model that is set goes to the training job, and its library to the function that compares titles."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from infra_cdk.app import create_app, read_context
from infra_cdk.constructs.sentence_model import sentence_model_folder
from infra_cdk.settings import Settings
from infra_cdk.settings_checks import InvalidSettings
from tests.infra.assembly import Assembly, flat


def settings(folder: Path | str | None) -> Settings:
    return Settings(name="test", region="us-east-1", sentence_model=None if folder is None else str(folder))


def channels(assembly: Assembly) -> dict[str, Any]:
    definition = json.loads(flat(assembly.state_machine("training").properties["DefinitionString"]))
    found = definition["States"]["Train"]["Parameters"]["InputDataConfig"]
    return {channel["ChannelName"]: channel["DataSource"]["S3DataSource"] for channel in found}


def layers_of(assembly: Assembly, function: str) -> list[str]:
    return [layer["Ref"].removeprefix("Layers")[:-8] for layer in assembly.function(function).properties["Layers"]]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    folder.mkdir()
    for name in ("model.safetensors", "tokenizer.json", "config.json"):
        (folder / name).write_text(name)
    return folder


def test_a_folder_without_a_model_is_refused(model: Path) -> None:
    with pytest.raises(
        InvalidSettings,
        match=r"environments\.test\.sentence_model is 'nowhere', expected a folder; /.*/nowhere is none",
    ):
        sentence_model_folder(settings("nowhere"))
    assert sentence_model_folder(settings(model)) == model
    assert sentence_model_folder(settings(None)) is None

    (model / "tokenizer.json").unlink()

    with pytest.raises(
        InvalidSettings, match=r"a folder with model\.safetensors and tokenizer\.json in it; .* not both"
    ):
        sentence_model_folder(settings(model))


def test_a_model_of_sentence_transformers_is_one(model: Path, tmp_path: Path) -> None:
    nested = tmp_path / "other" / "0_StaticEmbedding"
    nested.parent.mkdir()
    model.rename(nested)

    assert sentence_model_folder(settings(nested.parent)) == nested.parent


def test_the_model_goes_to_the_job_and_its_library_to_publish_catalog_alone(
    layers: Path, demo: Assembly, model: Path, tmp_path: Path
) -> None:
    context = read_context()
    context["environments"]["sentences"] = {"region": "us-east-1", "sentence_model": str(model)}
    create_app(context, environment="sentences", outdir=tmp_path / "out", layers=layers, check_templates=False).synth()
    assembly = Assembly.read(tmp_path / "out")

    asset = channels(assembly)["sentence_model"]["S3Uri"].rsplit("/", 1)[1].removesuffix(".zip")
    assert (tmp_path / "out" / f"asset.{asset}" / "model.safetensors").read_text() == "model.safetensors"
    readers = [role for role in assembly.of_type("AWS::IAM::Role") if f"{asset}.zip" in json.dumps(role.properties)]
    assert ["sagemaker" in json.dumps(role.properties["AssumeRolePolicyDocument"]) for role in readers] == [True]
    assert layers_of(assembly, "publish_catalog") == ["Core", "OnnxRuntime", "Sentences"]
    assert layers_of(assembly, "recommend") == ["Core", "OnnxRuntime"]


def test_nothing_is_there_where_none_is_set(demo: Assembly) -> None:
    assert "sentence_model" not in channels(demo)
    assert layers_of(demo, "publish_catalog") == ["Core", "OnnxRuntime"]
