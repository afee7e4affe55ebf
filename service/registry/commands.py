"""`python -m service bundles ...`: bundles of this machine and the champion."""

import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from inspection.errors import ConfigError
from inspection.terminal import emit_figures, progress_bar, say, show_table
from service.bundle_shelf import BundleShelf
from service.command_database import AuthorOption, open_database, system_user
from service.images.opening import open_image_store
from service.nightly.operations import find_scope
from service.registry import operations
from service.registry.operations import PLANT, Scope
from service.settings import read_settings
from service.storage import DataOption, UrlOption

bundles = typer.Typer(help="Bundles of this machine, and which of them is the champion.", no_args_is_help=True)
LineOption = Annotated[str | None, typer.Option(help="Only of this line of the plan of nights (KENSA_NIGHTS).")]
NoteOption = Annotated[str | None, typer.Option(help="Why.")]


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
    line: LineOption = None,
    author: AuthorOption = None,
    note: NoteOption = None,
    data: DataOption = None,
    database_url: UrlOption = None,
) -> None:
    """Make a bundle the champion; a running service swaps it in within a second, after its warm-up."""
    scope = _scope_for_added(bundle_id, line, data, database_url)
    with open_database(data, database_url) as database:
        operations.promote(database, bundle_id, author=author or system_user(), note=note, scope=scope)
    say(f"{bundle_id} is the champion" + _of(scope))


@bundles.command("anchor")
def choose_anchor(
    bundle_id: Annotated[str, typer.Argument(help="A bundle that was added.")],
    line: LineOption = None,
    author: AuthorOption = None,
    note: NoteOption = None,
    data: DataOption = None,
    database_url: UrlOption = None,
) -> None:
    """Compare every challenger with this bundle too, besides the champion. Without a choice: the first champion."""
    scope = _scope_for_added(bundle_id, line, data, database_url)
    with open_database(data, database_url) as database:
        operations.choose_anchor(database, bundle_id, author=author or system_user(), note=note, scope=scope)
    say(f"{bundle_id} is the anchor" + _of(scope))


@bundles.command("rollback")
def rollback(
    line: LineOption = None,
    author: AuthorOption = None,
    note: NoteOption = None,
    data: DataOption = None,
    database_url: UrlOption = None,
) -> None:
    """Make the champion before this one the champion again; a running service has it loaded still."""
    settings = read_settings(data=data, database_url=database_url)
    scope = find_scope(settings.nights, line)
    with open_database(data, database_url) as database:
        began = time.perf_counter()
        answer = operations.roll_back(database, author=author or system_user(), note=note, scope=scope)
        took_ms = (time.perf_counter() - began) * 1e3
    say(f"{answer.bundle_id} is the champion again" + _of(scope))
    say(f"it took {took_ms:.0f} ms; running services judge by it from their next look on, every {settings.watch_s:g} s")
    emit_figures({"bundle_id": answer.bundle_id, "line": scope, "took_ms": round(took_ms, 1)})


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
            champion_id = operations.find_champion_id(session, operations.find_scope(session, judged_by))
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
    rows = [
        (item.bundle_id, item.line or "all", f"{item.promoted_at:%Y-%m-%d %H:%M}", item.author, item.note)
        for item in promotions
    ]
    show_table("Promotions", ("bundle", "line", "since (UTC)", "author", "note"), rows)


def _scope_for_added(bundle_id: str, line: str | None, data: Path | None, database_url: str | None) -> Scope:
    """What the line's choice of a bundle reaches, once the bundle has proven that it is there and can judge."""
    settings = read_settings(data=data, database_url=database_url)
    scope = find_scope(settings.nights, line)
    BundleShelf(settings.bundle_directory, batch_limit=1).load(bundle_id)
    return scope


def _of(scope: Scope) -> str:
    return "" if scope is PLANT else f" of {scope}"
