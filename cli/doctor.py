"""`alsolike doctor` and `alsolike policy`: checks and permissions of a deployment on AWS."""

from __future__ import annotations

import dataclasses
import os
from typing import Annotated

import typer
from typer import Option

from cli import terminal
from cli.options import Connection, Environment, Output
from operations import embedded_cloud
from operations.client.aws import session_clients
from operations.progress import counted


def doctor(output: Output, stack: Environment = None) -> None:
    """Check that an AWS account can have a deployment.

    Check, for example, credentials, bootstrap stack, quotas, layers and names. After a deployment, also check, for
    example, alarm mail, cost tags and a signed request. The command changes nothing. Exit with status 1 if a deployment
    would fail.

    Example: alsolike doctor --env dev
    """
    from operations import doctor

    needs = doctor.read_needs(embedded_cloud.synthesize(stack, without_layers=True))
    findings = []
    for finding in doctor.examine(
        needs,
        session_clients(region=needs.region),
        post=doctor.post,
        configured_region=os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION"),
    ):
        findings.append(finding)
        if not output.as_json:
            terminal.print_line(f"{finding.status:<7}  {finding.check}: {finding.reason}")
            if finding.advice:
                terminal.print_line(f"{'':<7}  next: {finding.advice}")
    blocking = [finding for finding in findings if finding.blocks]
    undecided = sum(finding.status == doctor.UNKNOWN for finding in findings)
    if blocking:
        verdict = f"a deployment would fail at {counted(len(blocking), 'check')}"
    else:
        verdict = f"no check found an obstacle to a deployment, {undecided} unknown"
    output.print(
        {
            "environment": needs.environment,
            "region": needs.region,
            "deployable": not blocking,
            "checks": [dataclasses.asdict(finding) for finding in findings],
        },
        verdict,
    )
    if blocking:
        raise typer.Exit(1)


def policy(
    connection: Connection,
    operator: Annotated[
        bool, Option("--operator", help="Print the policy of an operator, with the names of deployed resources.")
    ] = False,
    account: Annotated[
        str | None, Option(metavar="NUMBER", help="AWS account.", show_default="cdk.json, else the credentials")
    ] = None,
) -> None:
    """Print the least-privilege policy of a deployer.

    A deployer runs `alsolike doctor`, `cdk diff` and `cdk deploy`. The synthesized assembly names the roles that a
    deployer assumes. With --operator, print the policy of the identity that runs the other commands on a deployment.

    Example: alsolike policy --env prod
    """
    from operations import doctor
    from operations.policies import deployer_policy, operator_policy

    if operator:
        terminal.print_json(operator_policy(connection.deployment))
        return
    assembly = embedded_cloud.synthesize(connection.stack, without_layers=True)
    needs = doctor.read_needs(assembly)
    number = account or needs.account or doctor.read_account(session_clients(region=needs.region))
    terminal.print_json(deployer_policy(assembly, account=number))
