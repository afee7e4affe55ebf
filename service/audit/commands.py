"""`python -m service audit ...`: the trail, looked at from the machine it lies on."""

from typing import Annotated

import typer

from inspection.terminal import say
from service.audit.verification import verify as verify_trail
from service.db.engine import Database
from service.settings import read_settings
from service.storage import DataOption, UrlOption

audit = typer.Typer(help="The audit trail.", no_args_is_help=True)


@audit.command("verify")
def verify(
    anchor: Annotated[
        str | None, typer.Option(help="A head noted before, as SEQUENCE:SHA256; it must still be in the trail.")
    ] = None,
    data: DataOption = None,
    database_url: UrlOption = None,
) -> None:
    """Find any edit and any gap: in the trail, in the verdicts and decisions it vouches for, in what stands of them.

    Changes nothing.

    Note the head it prints outside of this machine: with --anchor it proves later that nothing was written anew.
    """
    settings = read_settings(data=data, database_url=database_url)
    database = Database(settings.resolved_database_url)
    try:
        result = verify_trail(database, anchor)
    finally:
        database.close()
    for finding in result.findings:
        say(finding)
    counted = f"{result.record_count} records, {result.inspection_count} verdicts, {result.disposition_count} decisions"
    if result.finding_count:
        say(
            f"error: {result.finding_count} findings in {counted}: keep this database as it is, and call whoever audits"
        )
        raise typer.Exit(1)
    say(f"{counted}: whole")
    typer.echo(result.head)


@audit.callback()
def _group() -> None:
    """Keeps `verify` a command of its own."""
