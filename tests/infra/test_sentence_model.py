"""Sentence model in the settings: the training job gets the model, and `publish_catalog` gets its library."""

import json
import re
from pathlib import Path

import pytest
from model2vec.persistence.datamodels import FOLDER_LAYOUTS

from infra_cdk.constructs.sentence_model import LAYOUTS, sentence_model_folder
from infra_cdk.settings import Settings
from infra_cdk.settings_checks import InvalidSettings
from tests.infra.assembly import flat


def settings(folder):
    return Settings(name="test", region="us-east-1", sentence_model=None if folder is None else str(folder))


def denied(path):
    """Raise the error of an unreadable folder. The tests can run as root, who can read every folder."""
    raise PermissionError(13, "Permission denied", str(path))


def channels(assembly):
    definition = json.loads(flat(assembly.state_machine("training").properties["DefinitionString"]))
    found = definition["States"]["Train"]["Parameters"]["InputDataConfig"]
    return {channel["ChannelName"]: channel["DataSource"]["S3DataSource"] for channel in found}


@pytest.fixture
def model(tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    for name in ("model.safetensors", "tokenizer.json", "config.json"):
        (folder / name).write_text(name)
    return folder


def test_missing_model_folder_is_refused(model):
    assert sentence_model_folder(settings(model)) == model
    assert sentence_model_folder(settings(None)) is None

    for folder in ("nowhere", model / "config.json"):
        with pytest.raises(
            InvalidSettings,
            match=rf"environments\.test\.sentence_model is '{folder}', expected a folder that model2vec reads; /",
        ):
            sentence_model_folder(settings(folder))


@pytest.mark.parametrize("names", LAYOUTS)
def test_every_file_of_a_model2vec_layout_is_required(names, tmp_path):
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    assert sentence_model_folder(settings(tmp_path)) == tmp_path

    (tmp_path / names[-1]).unlink()

    with pytest.raises(
        InvalidSettings, match=rf"a folder that model2vec reads; /.* is without {re.escape(names[-1])}$"
    ):
        sentence_model_folder(settings(tmp_path))


def test_model_without_its_configuration_is_refused(model):
    (model / "config.json").unlink()

    with pytest.raises(InvalidSettings, match=r"a folder that model2vec reads; /.*/model is without config\.json$"):
        sentence_model_folder(settings(model))


def test_layouts_equal_those_of_model2vec():
    assert list(LAYOUTS) == [(str(each.config), str(each.embeddings), str(each.tokenizer)) for each in FOLDER_LAYOUTS]


def test_unreadable_folder_is_refused(model, monkeypatch):
    monkeypatch.setattr(Path, "is_file", denied)

    with pytest.raises(
        InvalidSettings,
        match=r"test\.sentence_model is '.*model', expected a folder that can be read; /.*model: .*denied",
    ):
        sentence_model_folder(settings(model))


def test_model_is_passed_to_the_job_and_its_library_to_publish_catalog(other):
    asset = channels(other)["sentence_model"]["S3Uri"].rsplit("/", 1)[1].removesuffix(".zip")
    assert (other.directory / f"asset.{asset}" / "model.safetensors").read_text() == "model.safetensors"
    readers = [role for role in other.of_type("AWS::IAM::Role") if f"{asset}.zip" in json.dumps(role.properties)]
    assert ["sagemaker" in json.dumps(role.properties["AssumeRolePolicyDocument"]) for role in readers] == [True]
    with_tokenizer = [f for f in other.of_type("AWS::Lambda::Function") if "LayersSentences" in str(f.properties)]
    assert [function.properties["Handler"].split(".")[1] for function in with_tokenizer] == ["publish_catalog"]


def test_deployment_without_a_model_has_no_channel_and_no_layer(demo):
    assert "sentence_model" not in channels(demo)
    assert "LayersSentences" not in str(demo.of_type("AWS::Lambda::Function"))
