"""`python -m service camera`."""

import re
from pathlib import Path
from typing import Annotated

import typer

from inspection.errors import ConfigError
from inspection.terminal import say
from service.camera.backlog import Backlog
from service.camera.folder import Folder
from service.camera.naming import Naming
from service.camera.sending import Sender, Stop
from service.camera.shown import REFUSED, Shown
from service.camera.watch import Taker, run
from service.client import Client, Patience

STATE_FOLDER = ".kensa-camera"
_PATIENCE_S = 60.0


def camera(
    to: Annotated[str, typer.Option(help="Address of the service: https://kensa.plant:8443.")],
    station: Annotated[str, typer.Option(help="Name of the station that these pictures come from.")],
    folder: Annotated[Path | None, typer.Option(help="Post the pictures in this folder, by name, and end.")] = None,
    watch: Annotated[Path | None, typer.Option(help="Post what comes into this folder, until stopped.")] = None,
    lot: Annotated[str | None, typer.Option(help="Lot of all parts. Default: the folder a picture lies in.")] = None,
    names: Annotated[
        str | None, typer.Option(help="Regular expression on file names, with groups `part` and `lot`.")
    ] = None,
    key_file: Annotated[
        Path | None, typer.Option(help="File with the station's key. Default: KENSA_STATION_KEY.")
    ] = None,
    key: Annotated[str | None, typer.Option(envvar="KENSA_STATION_KEY", hidden=True)] = None,
    authority: Annotated[
        Path | None, typer.Option(help="PEM file of the certificate authority that the plant uses.")
    ] = None,
    state: Annotated[Path | None, typer.Option(help=f"Where pictures wait. Default: {STATE_FOLDER} below.")] = None,
    buffer_gb: Annotated[float, typer.Option(min=0.001, help="Room for pictures that wait.")] = 10.0,
    settle_s: Annotated[float, typer.Option(min=0, help="A BMP or TIFF unchanged so long is finished.")] = 1.0,
    delete_sent: Annotated[bool, typer.Option("--delete-sent", help="Remove a picture after its verdict.")] = False,
) -> None:
    """Post a folder's pictures to the service, in order, exactly once; they wait on disk while it is away."""
    root = _chosen(folder, watch)
    shelf = Folder(root, settle_s=settle_s, by_name=watch is None)
    naming = Naming(station, lot, _pattern(names))
    stop, secret = Stop(), key if key_file is None else _read_key(key_file)
    backlog = Backlog(state or root / STATE_FOLDER)
    shown = Shown(backlog.waiting_count)
    patience = Patience(limit_s=None if watch else _PATIENCE_S)
    try:
        with Client(
            to, key=secret, authority=authority, patience=patience, on_failure=shown.failed, pause=stop.wait
        ) as client:
            taker = Taker(shelf, naming, backlog, shown, stop, limit_bytes=int(buffer_gb * 1e9))
            sender = Sender(client, backlog, shelf, shown, stop, delete_sent=delete_sent, gives_up=watch is None)
            say(f"{root} -> {to} as {station}; {backlog.waiting_count()} wait from before")
            run(taker, sender, for_ever=watch is not None)
    finally:
        shown.total()
        is_complete = backlog.waiting_count() == 0 and shown.counts[REFUSED] == 0
        backlog.close()
    if watch is None and not is_complete:
        raise typer.Exit(1)


def _chosen(folder: Path | None, watch: Path | None) -> Path:
    if (folder is None) == (watch is None):
        raise ConfigError("folder, watch: give one of them", "name --folder DIR to post once, or --watch DIR")
    chosen = folder or watch or Path()
    if not chosen.is_dir():
        raise ConfigError(f"{chosen}: no such folder", "give the folder that the camera writes to")
    return chosen


def _pattern(names: str | None) -> re.Pattern[str] | None:
    if names is None:
        return None
    try:
        pattern = re.compile(names)
    except re.error as error:
        raise ConfigError(f"names: {error}", "give one like '(?P<lot>[^_]+)_(?P<part>.+)'") from None
    if not {"part", "lot"} & set(pattern.groupindex):
        raise ConfigError("names: has no group", "give one like '(?P<lot>[^_]+)_(?P<part>.+)'")
    return pattern


def _read_key(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "is no key"
        raise ConfigError(f"{path}: {reason}", "give the file that holds the station's key") from None
