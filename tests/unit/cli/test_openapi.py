from pathlib import Path

from typer.testing import CliRunner

from cli.main import app

PUBLISHED = Path(__file__).parents[3] / "docs" / "openapi.json"


def test_openapi_prints_the_published_file() -> None:
    printed = CliRunner().invoke(app, ["openapi"])

    assert (printed.exit_code, printed.stdout_bytes) == (0, PUBLISHED.read_bytes())
