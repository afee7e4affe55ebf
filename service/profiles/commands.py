"""`python -m service profiles ...`: what stations run. A running service follows within a second."""

from pathlib import Path
from typing import Annotated

import typer
from pydantic import TypeAdapter, ValidationError

from inspection.config import read_toml
from inspection.errors import ConfigError
from inspection.profile import StationProfile
from inspection.terminal import say, show_table
from service.bundle_shelf import BundleShelf
from service.command_database import AuthorOption, open_database, system_user
from service.labels import Label
from service.profiles import operations
from service.profiles.schemas import FollowRequest, ProfileRequest
from service.settings import read_settings
from service.storage import DataOption, UrlOption

profiles = typer.Typer(help="What each station runs: bundle, crop, limits, quality.", no_args_is_help=True)
StationArgument = Annotated[str, typer.Argument(help="The station's name.", show_default=False)]


@profiles.command("set")
def set_profile(
    station: StationArgument,
    file: Annotated[Path, typer.Argument(help="TOML file of the profile; an empty one runs the champion as it is.")],
    author: AuthorOption = None,
    note: Annotated[str | None, typer.Option(help="Why.")] = None,
    data: DataOption = None,
    database_url: UrlOption = None,
) -> None:
    """Add a version; a running service follows within a second, without a restart."""
    profile = read_toml(file, StationProfile)
    if profile.bundle_id is not None:
        settings = read_settings(data=data, database_url=database_url)
        BundleShelf(settings.bundle_directory, batch_limit=1).load(profile.bundle_id)
    request = ProfileRequest(station=_checked(station), profile=profile, note=note)
    with open_database(data, database_url) as database:
        answer = operations.set_profile(database, request, author=author or system_user())
    say(f"{answer.station} runs version {answer.version}")


@profiles.command("follow")
def follow_champion(
    station: StationArgument,
    author: AuthorOption = None,
    note: Annotated[str | None, typer.Option(help="Why.")] = None,
    data: DataOption = None,
    database_url: UrlOption = None,
) -> None:
    """Let a station that stayed with one bundle run the champion again; crop and quality of its profile stay."""
    request = FollowRequest(station=_checked(station), note=note)
    with open_database(data, database_url) as database:
        answer = operations.follow_champion(database, request, author=author or system_user())
    say(f"{answer.station} runs version {answer.version}: it follows the champion")


@profiles.command("list")
def list_profiles(
    station: Annotated[str | None, typer.Option(help="Only of this station.")] = None,
    data: DataOption = None,
    database_url: UrlOption = None,
) -> None:
    """All versions, newest first."""
    with open_database(data, database_url) as database:
        found = operations.list_profiles(database, station).items
    rows = [(item.station, item.version, f"{item.created_at:%Y-%m-%d %H:%M}", item.author, item.note) for item in found]
    show_table("Station profiles", ("station", "version", "since (UTC)", "author", "note"), rows)


@profiles.command("show")
def show_profile(station: StationArgument, data: DataOption = None, database_url: UrlOption = None) -> None:
    """The version in force, as JSON."""
    with open_database(data, database_url) as database:
        found = operations.list_profiles(database, station, limit=1).items
    if not found:
        raise ConfigError(f"station {station}: has no profile", "it runs the champion; give it one with `profiles set`")
    typer.echo(found[0].model_dump_json(indent=2))


def _checked(station: str) -> str:
    try:
        return TypeAdapter(Label).validate_python(station)
    except ValidationError as error:
        raise ConfigError(f"station: {error.errors()[0]['msg']}", "give 1 to 128 printable characters") from None
