"""`python -m service retention POLICY`: to be run every night, also while the service runs."""

from pathlib import Path
from typing import Annotated

import typer

from inspection.config import read_toml
from inspection.terminal import emit_figures, say, show_table
from service.command_database import AuthorOption, open_database, system_user
from service.images.opening import open_image_store
from service.retention.operations import apply_policy
from service.retention.policy import RetentionPolicy
from service.settings import read_settings
from service.storage import DataOption, UrlOption


def retention(
    policy: Annotated[Path, typer.Argument(help="TOML file: [[rules]] with verdict, decided and keep_days.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be removed.")] = False,
    author: AuthorOption = None,
    data: DataOption = None,
    database_url: UrlOption = None,
) -> None:
    """Remove the pictures of inspections whose time is over. Their verdicts, scores and decisions stay."""
    rules = read_toml(policy, RetentionPolicy)
    settings = read_settings(data=data, database_url=database_url)
    with open_database(data, database_url) as database:
        image_store = open_image_store(settings.images, settings.image_directory)
        removal = apply_policy(database, image_store, rules, is_dry_run=dry_run, author=author or system_user())
    title = "Would be removed" if dry_run else "Removed"
    show_table(title, ("rule", "inspections"), [(str(rule), removal.inspections[rule]) for rule in rules.rules])
    say(f"{removal.file_count} files, {removal.byte_count / 2**20:.1f} MB" + (" (dry run)" if dry_run else ""))
    emit_figures(
        {
            "inspections": sum(removal.inspections.values()),
            "files": removal.file_count,
            "bytes": removal.byte_count,
            "dry_run": dry_run,
        }
    )
