"""Where the sentence model is that a training job is given."""

from pathlib import Path

from infra_cdk.settings import Settings
from infra_cdk.settings_checks import InvalidSettings, place

ROOT = Path(__file__).resolve().parents[2]
FILES = ("model.safetensors", "tokenizer.json")


def sentence_model_folder(settings: Settings) -> Path | None:
    """Return the folder of `sentence_model`, or None where nothing is set.

    Raises
    ------
    InvalidSettings
        If there is no such folder, or no model in it.
    """
    if settings.sentence_model is None:
        return None
    folder = (ROOT / settings.sentence_model).resolve()
    said = f"{place(settings.name)}.sentence_model is {settings.sentence_model!r}"
    if not folder.is_dir():
        raise InvalidSettings(f"{said}, expected a folder; {folder} is none")
    # sentence-transformers keeps them in a folder of their own.
    if not any(all((each / name).is_file() for name in FILES) for each in (folder, folder / "0_StaticEmbedding")):
        raise InvalidSettings(f"{said}, expected a folder with {' and '.join(FILES)} in it; {folder} has not both")
    return folder
