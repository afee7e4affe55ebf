"""`python -m service bundles ...`: bundles of this machine and the champion."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from inspection.errors import ConfigError
from inspection.terminal import emit_figures, progress_bar, say, show_table
from service.bundle_shelf import BundleShelf
from service.command_database import AuthorOption, open_database, system_user
from service.images.opening import open_image_store
from service.registry import operations
from service.settings import read_settings
from service.storage import DataOption, UrlOption

bundles = typer.Typer(help="Bundles of this machine, and which of them is the champion.", no_args_is_help=True)


@bundles.command("add")
def add_bundle(
    directory: Annotated[Path, typer.Argument(help="Directory of a bundle, from anywhere.")],
    data: DataOption = None,
) -> None:
    """Verify a bundle and copy it to where a running service finds it. It judges nothing until it is promoted."""
    bundle_id = operations.shelve(directory, read_settings(data=data).bundle_directory)
    say(f"{bundle_id} can be promoted")
    typer.echo(bundle_id)


@bundles.command("promote")
def promote(
    bundle_id: Annotated[str, typer.Argument(help="A bundle that was added.")],
    author: AuthorOption = None,
    note: Annotated[str | None, typer.Option(help="Why.")] = None,
    data: DataOption = None,
    database_url: UrlOption = None,
) -> None:
    """Make a bundle the champion; a running service swaps it in within a second, after its warm-up."""
    settings = read_settings(data=data, database_url=database_url)
    BundleShelf(settings.bundle_directory, batch_limit=1).load(bundle_id)
    with open_database(data, database_url) as database:
        operations.promote(database, bundle_id, author=author or system_user(), note=note)
    say(f"{bundle_id} is the champion")


@bundles.command("rollback")
def rollback(
    author: AuthorOption = None,
    note: Annotated[str | None, typer.Option(help="Why.")] = None,
    data: DataOption = None,
    database_url: UrlOption = None,
) -> None:
    """Make the champion before this one the champion again; a running service has it loaded still."""
    with open_database(data, database_url) as database:
        answer = operations.roll_back(database, author=author or system_user(), note=note)
    say(f"{answer.bundle_id} is the champion again")


@bundles.command("rescore")
def rescore(
    judged_by: Annotated[str, typer.Argument(help="The bundle whose parts are scored again, by the champion.")],
    author: AuthorOption = None,
    data: DataOption = None,
    database_url: UrlOption = None,
) -> None:
    """What the champion says of another bundle's parts. Their verdicts stay; those flagged now wait for a person."""
    settings = read_settings(data=data, database_url=database_url)
    image_store = open_image_store(settings.images, settings.image_directory)
    with open_database(data, database_url) as database:
        with database.reading() as session:
            champion_id = operations.find_champion_id(session)
        if champion_id is None:
            raise ConfigError("champion: there is none", "promote a bundle first")
        inspector = BundleShelf(settings.bundle_directory, batch_limit=1).load(champion_id)
        found = operations.count_rescored(database, judged_by, champion_id)
        with progress_bar("scoring again", found.left_count) as advance:
            while found.left_count:
                before = found.left_count
                found = operations.rescore(database, image_store, inspector, judged_by, author=author or system_user())
                advance(before - found.left_count)
    say(f"{found.rescored_count} parts: {found.flip_count} other verdicts, {found.flagged_now_count} flagged now")
    emit_figures(asdict(found))


@bundles.command("list")
def list_bundles(data: DataOption = None, database_url: UrlOption = None) -> None:
    """Bundles that were added, and the promotions so far."""
    shelf = BundleShelf(read_settings(data=data, database_url=database_url).bundle_directory)
    with open_database(data, database_url) as database:
        promotions = operations.list_promotions(database)
    show_table("Bundles", ("bundle",), [(bundle_id,) for bundle_id in shelf.known_ids])
    rows = [(item.bundle_id, f"{item.promoted_at:%Y-%m-%d %H:%M}", item.author, item.note) for item in promotions]
    show_table("Promotions", ("bundle", "since (UTC)", "author", "note"), rows)
