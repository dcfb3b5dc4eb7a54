"""Check of the setting `sentence_model`."""

from pathlib import Path

from infra_cdk.settings import Settings
from infra_cdk.settings_checks import InvalidSettings, place

ROOT = Path(__file__).resolve().parents[2]
LAYOUTS = (
    ("config.json", "model.safetensors", "tokenizer.json"),
    ("config_sentence_transformers.json", "model.safetensors", "tokenizer.json"),
    (
        "config_sentence_transformers.json",
        "0_StaticEmbedding/model.safetensors",
        "0_StaticEmbedding/tokenizer.json",
    ),
)
"""Alternative sets of files in a model's folder: one of model2vec, and two of different versions of
sentence-transformers.
"""


def sentence_model_folder(settings: Settings) -> Path | None:
    if settings.sentence_model is None:
        return None
    prefix = f"{place(settings.name)}.sentence_model is {settings.sentence_model!r}, expected"
    folder = ROOT / settings.sentence_model
    try:
        folder = folder.resolve()
        missing = min(([name for name in names if not (folder / name).is_file()] for names in LAYOUTS), key=len)
    except (OSError, RuntimeError) as error:
        raise InvalidSettings(f"{prefix} a folder that can be read; {folder}: {error}") from error
    if missing:
        raise InvalidSettings(f"{prefix} a folder that model2vec reads; {folder} is without {', '.join(missing)}")
    return folder
