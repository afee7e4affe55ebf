"""`python -m service nightly`, `golden ...` and `pictures ...`. All of them work while the service runs."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from inspection.errors import ConfigError
from inspection.terminal import emit_figures, say, show_table
from service.command_database import AuthorOption, open_database, system_user
from service.images.opening import open_image_store
from service.logs import configure_logs
from service.nightly import golden as golden_set
from service.nightly import kept_out, nights
from service.nightly.golden_draw import DAYS, draw_golden
from service.nightly.plan import read_plan
from service.nightly.pruning import prune
from service.nightly.runner import run_asked_nights, run_schedule
from service.nightly.tables import Night, Reason
from service.nightly.workshop import Workshop
from service.settings import read_settings
from service.storage import DataOption, UrlOption

golden = typer.Typer(help="The golden set: reviewed parts that the gate judges by.", no_args_is_help=True)
nights_group = typer.Typer(help="Nights that are over: what they keep on the disk.", no_args_is_help=True)
pictures = typer.Typer(help="Pictures that no night may learn from.", no_args_is_help=True)
Inspections = Annotated[list[int], typer.Argument(help="Numbers of inspections, as /review shows them.")]
PlanOption = Annotated[Path | None, typer.Option(help="TOML file of lines and nights. Default: KENSA_NIGHTS.")]
WhyOption = Annotated[str, typer.Option(help="The reason, for the record.")]
_FAILED_STATUS = 1


def nightly(
    now: Annotated[bool, typer.Option("--now", help="One night at once, instead of waiting for the schedule.")] = False,
    line: Annotated[str | None, typer.Option(help="Which line, where the plan has several.")] = None,
    minutes: Annotated[float | None, typer.Option(min=0.05, help="Budget of this night; default: the plan's.")] = None,
    plan: PlanOption = None,
    author: AuthorOption = None,
    data: DataOption = None,
    database_url: UrlOption = None,
) -> None:
    """Make the model better from the day's pictures, or change nothing. Without --now: whenever the plan says so."""
    if not now and (line or minutes):
        raise ConfigError("line, minutes: belong to --now", "add --now, or leave them to the plan of nights")
    with _workshop(data, database_url, plan) as workshop:
        if not now:
            if all(one.schedule is None for one in workshop.plan.lines):
                say("note: the plan has no schedule: only nights that somebody asks for are run")
            run_schedule(workshop)
        wanted = workshop.plan.line(line)
        night, is_new = nights.ask(workshop.database, wanted, minutes=minutes, author=author or system_user())
        say(f"night {night.name} {'begins' if is_new else 'is under way already: waiting with it'}")
        _tell(run_asked_nights(workshop, night.name))


@nights_group.command("prune")
def prune_nights(
    days: Annotated[int | None, typer.Option(min=1, help="Older than so many days; default: the plan's.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    plan: PlanOption = None,
    author: AuthorOption = None,
    data: DataOption = None,
    database_url: UrlOption = None,
) -> None:
    """Remove folders of old nights. Champions, anchors and what a rollback needs stay, and so does the record."""
    with _workshop(data, database_url, plan) as workshop:
        removals = prune(workshop, author=author or system_user(), days=days, is_dry=dry_run)
    rows = [(one.subject, one.path.name, f"{one.size_bytes / 2**20:.1f}", one.why) for one in removals]
    show_table("Would be removed" if dry_run else "Removed", ("of", "folder", "MB", "why"), rows)
    emit_figures({"folders": len(removals), "bytes": sum(one.size_bytes for one in removals), "dry_run": dry_run})


@golden.command("add")
def add_golden(
    inspections: Inspections,
    good: Annotated[bool, typer.Option("--good", help="They are good parts, whatever was decided.")] = False,
    defect: Annotated[str | None, typer.Option(help="They have this defect, whatever was decided.")] = None,
    author: AuthorOption = None,
    note: Annotated[str | None, typer.Option(help="Why.")] = None,
    data: DataOption = None,
    database_url: UrlOption = None,
) -> None:
    """Add parts by what people decided of them, or by your word. No night learns from them from now on."""
    if good and defect:
        raise ConfigError("good, defect: a part is one of both", "give --good or --defect NAME")
    who = author or system_user()
    with open_database(data, database_url) as database:
        if good or defect:
            for number in inspections:
                golden_set.set_truth(database, number, defect=defect, author=who, note=note)
        else:
            golden_set.add_decided(database, inspections, author=who, note=note)
    say(f"{len(inspections)} parts are in the golden set")


@golden.command("draw")
def draw_golden_parts(
    line: Annotated[str | None, typer.Option(help="Which line, where the plan has several.")] = None,
    days: Annotated[int, typer.Option(min=1, max=3650, help="Of the last so many days.")] = DAYS,
    plan: PlanOption = None,
    author: AuthorOption = None,
    data: DataOption = None,
    database_url: UrlOption = None,
) -> None:
    """Add decided parts as chance has chosen them: flagged ones, thinned to the rate of spot checks, and these."""
    with _workshop(data, database_url, plan) as workshop:
        wanted = workshop.plan.line(line)
        added = draw_golden(workshop.database, wanted, author=author or system_user(), days=days)
    if not added:
        say("note: nothing new; parts are drawn where spot checks of parts that passed have been decided")
    defective = sum(part.defect is not None for part in added)
    emit_figures({"line": wanted.name, "added": len(added), "defective": defective, "good": len(added) - defective})


@golden.command("remove")
def remove_golden(
    inspection: Annotated[int, typer.Argument(help="Number of an inspection.")],
    author: AuthorOption = None,
    note: Annotated[str | None, typer.Option(help="Why.")] = None,
    data: DataOption = None,
    database_url: UrlOption = None,
) -> None:
    """Take a part out of the set; what was decided by it stays on record."""
    with open_database(data, database_url) as database:
        golden_set.remove(database, inspection, author=author or system_user(), note=note)
    say(f"inspection {inspection} is no golden part any more")


@golden.command("list")
def list_golden(data: DataOption = None, database_url: UrlOption = None) -> None:
    """All golden parts, and the digest that names the set."""
    with open_database(data, database_url) as database, database.reading() as session:
        found = golden_set.find_golden_set(session)
    rows = [
        (part.inspection_id, part.defect or "good", part.author, f"{part.changed_at:%Y-%m-%d}", part.note)
        for part in found.parts
    ]
    show_table("Golden set", ("inspection", "truth", "by", "since (UTC)", "note"), rows)
    emit_figures({"sha256": found.sha256, "defective": found.defective_count, "good": found.good_count})


@pictures.command("keep-out")
def keep_pictures_out(
    inspections: Inspections,
    why: WhyOption,
    undo: Annotated[bool, typer.Option("--undo", help="Take it back: nights may learn from them again.")] = False,
    author: AuthorOption = None,
    data: DataOption = None,
    database_url: UrlOption = None,
) -> None:
    """No night learns from these pictures from now on; with --undo they may again."""
    with open_database(data, database_url) as database:
        count = kept_out.change(database, inspections, is_kept_out=not undo, why=why, author=author or system_user())
    say(f"{count} pictures " + ("may be learned from again" if undo else "are kept out of training"))


@pictures.command("list")
def list_kept_out(data: DataOption = None, database_url: UrlOption = None) -> None:
    """Pictures that are kept out, the newest first."""
    with open_database(data, database_url) as database, database.reading() as session:
        found = kept_out.find_kept_out(session)
    rows = [(one.inspection_id, one.why, one.author, f"{one.changed_at:%Y-%m-%d}") for one in found]
    show_table("Kept out of training", ("inspection", "why", "by", "since (UTC)"), rows)


@contextmanager
def _workshop(data: object, database_url: object, plan: Path | None) -> Iterator[Workshop]:
    settings = read_settings(data=data, database_url=database_url, nights=plan)
    chosen = read_plan(settings.nights)
    configure_logs(settings.log_format)
    with open_database(data, database_url) as database:
        yield Workshop(settings, chosen, database, open_image_store(settings.images, settings.image_directory))


def _tell(night: Night) -> None:
    """Kept is an answer and no failure; only a fault of the program itself is one."""
    say(
        f"night {night.name}: {night.state.value}"
        + (f" ({night.reason.value}: {night.detail})" if night.reason else "")
    )
    emit_figures(
        {
            "night": night.name,
            "state": night.state.value,
            "reason": night.reason.value if night.reason else None,
            "detail": night.detail,
            "challenger_id": night.challenger_id,
            **night.figures,
        }
    )
    if night.reason is Reason.INTERNAL:
        raise typer.Exit(_FAILED_STATUS)
