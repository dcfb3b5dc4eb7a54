import dataclasses
from typing import Annotated

from typer import Option
from typer.testing import CliRunner

from cli.group import CommandGroup


@dataclasses.dataclass
class Place:
    city: Annotated[str, Option("--city", "-c")] = "Rome"


@dataclasses.dataclass
class Size:
    width: Annotated[int, "Width in cm."] = 1
    height: int = 2


def test_dataclass_fields_are_options() -> None:
    app = CommandGroup()
    passed: list[object] = []

    @app.command()
    def show(place: Place, name: str, size: Size = Size(width=7)) -> None:  # noqa: B008
        passed.extend([place, name, size])

    result = CliRunner().invoke(app, ["show", "fig", "--height", "5", "-c", "Oslo"], catch_exceptions=False)
    printed = CliRunner().invoke(app, ["show", "--help"]).stdout

    assert result.exit_code == 0
    assert passed == [Place("Oslo"), "fig", Size(width=7, height=5)]
    assert "Width in cm.  [default: 7]" in printed
    assert printed.index("--width") < printed.index("--city")
