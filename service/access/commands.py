"""`python -m service people ...` and `stations ...`: who may come in. They work while the service runs."""

import sys
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from pydantic import TypeAdapter, ValidationError

from inspection.errors import ConfigError
from inspection.terminal import say
from service.access import operations
from service.access.schemas import PersonName
from service.access.tables import StationKey
from service.callers import Role
from service.command_database import open_database, system_user
from service.db.engine import Database
from service.storage import DataOption, UrlOption

people = typer.Typer(help="Who may sign in.", no_args_is_help=True)
stations = typer.Typer(help="The keys of cameras.", no_args_is_help=True)

NameArgument = Annotated[str, typer.Argument(help="The name to sign in by.", show_default=False)]
LinkOption = Annotated[
    str | None, typer.Option("--link", help="Print a link that signs in once, at this address: http://host:8080.")
]


@people.command("add")
def add_person(
    name: NameArgument,
    role: Annotated[Role, typer.Option(help="What the person may do.")] = Role.REVIEWER,
    link: LinkOption = None,
    data: DataOption = None,
    database_url: UrlOption = None,
) -> None:
    """Let a person in: with a password that is asked for (or the first line of standard input), or with --link."""
    checked = _checked_name(name)
    with open_database(data, database_url) as database:
        password = None if link else _ask_password()
        operations.add_person(database, checked, role, password, actor=system_user())
        say(f"{checked} may sign in as {role}")
        if link:
            _print_link(database, checked, link)


@people.command("link")
def make_link(
    name: NameArgument,
    address: Annotated[str, typer.Argument(help="Where people reach the service: http://host:8080.")],
    data: DataOption = None,
    database_url: UrlOption = None,
) -> None:
    """Print a link that signs a person in, once, within a day."""
    with open_database(data, database_url) as database:
        _print_link(database, name, address)


@people.command("password")
def set_password(name: NameArgument, data: DataOption = None, database_url: UrlOption = None) -> None:
    """Give a person a new password; all their sessions end."""
    with open_database(data, database_url) as database:
        operations.set_password(database, name, _ask_password(), actor=system_user())
        say(f"{name} has a new password")


@people.command("role")
def set_role(name: NameArgument, role: Role, data: DataOption = None, database_url: UrlOption = None) -> None:
    """Change what a person may do, from the next request on."""
    with open_database(data, database_url) as database:
        operations.set_role(database, name, role, actor=system_user())
        say(f"{name} is {role} now")


@people.command("disable")
def disable_person(name: NameArgument, data: DataOption = None, database_url: UrlOption = None) -> None:
    """Sign a person out everywhere, and let them in no more. Their decisions keep their name."""
    with open_database(data, database_url) as database:
        operations.disable_person(database, name, actor=system_user())
        say(f"{name} can sign in no more")


@people.command("enable")
def enable_person(name: NameArgument, data: DataOption = None, database_url: UrlOption = None) -> None:
    """Let a person who was disabled sign in again."""
    with open_database(data, database_url) as database:
        operations.enable_person(database, name, actor=system_user())
        say(f"{name} may sign in again")


@people.command("list")
def list_people(data: DataOption = None, database_url: UrlOption = None) -> None:
    """Name, role and state, one a line."""
    with open_database(data, database_url) as database:
        for person in operations.list_people(database):
            typer.echo(f"{person.name}\t{person.role}\t{'disabled' if person.disabled_at else 'active'}")


@stations.command("key")
def add_station_key(
    station: Annotated[str, typer.Argument(help="The station; press-* for all that begin so, * for every one.")],
    overlap_days: Annotated[float, typer.Option(min=0, help="How long older keys of it go on to open.")] = 7.0,
    data: DataOption = None,
    database_url: UrlOption = None,
) -> None:
    """Make a key for a station and print it; it is told only now. Older ones end after the overlap."""
    scope = _checked_name(station)
    with open_database(data, database_url) as database:
        made = operations.add_station_key(database, scope, timedelta(days=overlap_days), actor=system_user())
        say(f"key {made.id} holds for {scope}; older ones of it end in {overlap_days:g} days")
        typer.echo(made.key)


@stations.command("keys")
def list_station_keys(data: DataOption = None, database_url: UrlOption = None) -> None:
    """Id, scope, when it was made, when last seen, and when it ends, one a line."""
    with open_database(data, database_url) as database:
        for key in operations.list_station_keys(database):
            typer.echo(
                f"{key.id}\t{key.stations}\tmade {_day(key.created_at)}\tseen {_day(key.seen_at)}\t{_state(key)}"
            )


@stations.command("revoke")
def revoke_station_key(
    key_id: Annotated[int, typer.Argument(min=1, help="The key's id, from `keys`.")],
    data: DataOption = None,
    database_url: UrlOption = None,
) -> None:
    """End a key now."""
    with open_database(data, database_url) as database:
        row = operations.revoke_station_key(database, key_id, actor=system_user())
        say(f"key {key_id} of {row.stations} opens no more")


def _checked_name(name: str) -> str:
    try:
        return TypeAdapter(PersonName).validate_python(name)
    except ValidationError as error:
        raise ConfigError(f"name: {error.errors()[0]['msg']}", "give 1 to 128 printable characters") from None


def _ask_password() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))


def _print_link(database: Database, name: str, address: str) -> None:
    token = operations.add_link(database, name, actor=system_user())
    typer.echo(f"{address.rstrip('/')}/sign-in#{token}")


def _day(moment: datetime | None) -> str:
    return "never" if moment is None else f"{moment:%Y-%m-%d}"


def _state(key: StationKey) -> str:
    if key.ends_at is None:
        return "open"
    return f"ends {_day(key.ends_at)}" if key.ends_at > datetime.now(UTC) else "ended"
