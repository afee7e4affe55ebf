"""`python -m service bundles ...`: bundles of this machine and the champion."""

from pathlib import Path
from typing import Annotated

import typer

from inspection.terminal import say, show_table
from service.bundle_shelf import BundleShelf
from service.command_database import AuthorOption, open_database, system_user
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


@bundles.command("list")
def list_bundles(data: DataOption = None, database_url: UrlOption = None) -> None:
    """Bundles that were added, and the promotions so far."""
    shelf = BundleShelf(read_settings(data=data, database_url=database_url).bundle_directory)
    with open_database(data, database_url) as database:
        promotions = operations.list_promotions(database)
    show_table("Bundles", ("bundle",), [(bundle_id,) for bundle_id in shelf.known_ids])
    rows = [(item.bundle_id, f"{item.promoted_at:%Y-%m-%d %H:%M}", item.author, item.note) for item in promotions]
    show_table("Promotions", ("bundle", "since (UTC)", "author", "note"), rows)
