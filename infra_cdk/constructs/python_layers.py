"""Lambda layers and packages of jobs from the output of `layers/build.py`, and AWS's pandas layer."""

from functools import cached_property
from pathlib import Path

from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra_cdk.settings import Settings

RUNTIME = lambda_.Runtime.PYTHON_3_13


class MissingLayer(Exception):
    """Error for a layer that has not been built."""


class PythonLayers(Construct):
    """Layers of a stack. A layer is created on first access.

    Each stack has its own layer versions with the same contents, because a layer version that another stack imports
    cannot be replaced.
    """

    def __init__(self, scope: Construct, construct_id: str, *, settings: Settings, directory: Path) -> None:
        super().__init__(scope, construct_id)
        self._settings = settings
        self._directory = directory

    @cached_property
    def core(self) -> lambda_.ILayerVersion:
        return self._built("Core", "core", "alsolike, AWS Lambda Powertools, orjson")

    @cached_property
    def onnx_runtime(self) -> lambda_.ILayerVersion:
        return self._built("OnnxRuntime", "onnx_runtime", "ONNX Runtime, numpy")

    @cached_property
    def sentences(self) -> lambda_.ILayerVersion:
        return self._built("Sentences", "sentences", "tokenizers")

    @cached_property
    def pandas(self) -> lambda_.ILayerVersion:
        return lambda_.LayerVersion.from_layer_version_arn(self, "Pandas", self._settings.pandas_layer)

    def _built(self, construct_id: str, name: str, description: str) -> lambda_.ILayerVersion:
        folder = self._directory / f"{name}-{self._settings.architecture}"
        if not (folder / "python").is_dir():
            raise MissingLayer(
                f"{folder} has no layer; build it with:"
                f" python -m layers.build {name} --architecture {self._settings.architecture}"
            )
        return lambda_.LayerVersion(
            self,
            construct_id,
            code=lambda_.Code.from_asset(str(folder)),
            compatible_runtimes=[RUNTIME],
            compatible_architectures=[architecture(self._settings)],
            description=description,
        )


def training_packages(settings: Settings, directory: Path) -> Path | None:
    if settings.training_network or settings.training_image:
        return None
    folder = directory / "training-x86_64"
    if not (folder / "python").is_dir():
        raise MissingLayer(f"{folder} has no packages; build it with: python -m layers.build training")
    return folder


def glue_wheels(directory: Path) -> Path:
    """Return the archive of packages for a Glue job without a package index."""
    archive = directory / "glue-x86_64.gluewheels.zip"
    if not archive.is_file():
        raise MissingLayer(f"{archive} does not exist; build it with: python -m layers.build training")
    return archive


def architecture(settings: Settings) -> lambda_.Architecture:
    return lambda_.Architecture.ARM_64 if settings.architecture == "arm64" else lambda_.Architecture.X86_64
