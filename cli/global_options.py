"""Options that every command accepts before and after its name."""

from __future__ import annotations

import dataclasses
import enum
import os
from typing import Annotated, Any

from typer import Option


class Format(enum.StrEnum):
    TABLE = enum.auto()
    JSON = enum.auto()


@dataclasses.dataclass(frozen=True)
class Everywhere:
    """Options that every command accepts, in the order of the help text."""

    env: Annotated[
        str | None,
        Option("--env", "-e", metavar="NAME", help="Deployment on AWS to use instead of the embedded cloud."),
    ] = None
    aws_profile: Annotated[
        str | None, Option("--profile", metavar="NAME", help="Profile with the AWS credentials.")
    ] = None
    region: Annotated[str | None, Option("--region", metavar="NAME", help="AWS region.")] = None
    form: Annotated[Format | None, Option("--format", help="Format of results and errors.", show_default="table")] = (
        None
    )

    def values(self) -> dict[str, Any]:
        """Set AWS's environment variables to the given profile and region.

        Return the other given options by the name of the commands' parameter.
        """
        if self.aws_profile is not None:
            os.environ["AWS_PROFILE"] = self.aws_profile
        if self.region is not None:
            os.environ["AWS_REGION"] = os.environ["AWS_DEFAULT_REGION"] = self.region
        values: dict[str, Any] = {}
        if self.env is not None:
            values["stack"] = self.env
        if self.form is not None:
            values["as_json"] = self.form is Format.JSON
        return values
