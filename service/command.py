"""The service's command line."""

import errno
import socket
from pathlib import Path
from typing import Annotated

import typer
import uvicorn

from inspection.errors import ConfigError
from inspection.inspector import Inspector
from inspection.terminal import say
from service.access.commands import people, stations
from service.app import create_app
from service.audit.commands import audit
from service.backup_commands import backup, restore_backup
from service.bundle_shelf import open_to_serve
from service.camera.command import camera
from service.factory.commands import factory
from service.heap import keep_heaps_few
from service.logs import configure_logs
from service.nightly.commands import golden, nightly, nights_group, pictures
from service.patience import patient_protocol
from service.profiles.commands import profiles
from service.registry.commands import bundles
from service.retention.commands import retention
from service.settings import ServiceSettings, read_settings
from service.storage import DataOption, UrlOption, prepare_storage

app = typer.Typer(
    help="The station's service: verdicts over HTTP, and the review pages.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.command()(camera)
app.command()(retention)
app.command()(backup)
app.command("restore")(restore_backup)
app.add_typer(people, name="people")
app.add_typer(stations, name="stations")
app.add_typer(audit, name="audit")
app.add_typer(profiles, name="profiles")
app.add_typer(factory, name="factory")
app.add_typer(bundles, name="bundles")
app.command()(nightly)
app.add_typer(nights_group, name="nights")
app.add_typer(golden, name="golden")
app.add_typer(pictures, name="pictures")
_GRACE_S = 15


@app.command()
def serve(
    bundle: Annotated[
        Path | None, typer.Option(help="Directory of the bundle that judges. Default: KENSA_BUNDLE.")
    ] = None,
    data: DataOption = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on. Default: 127.0.0.1.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0 takes a free one. Default: 8080.")] = None,
    database_url: UrlOption = None,
) -> None:
    """Verify the bundle, bring the database up to date and serve until stopped."""
    settings = read_settings(bundle=bundle, data=data, host=host, port=port, database_url=database_url)
    if settings.bundle is None:
        raise ConfigError("bundle: not given", "give --bundle DIR or set KENSA_BUNDLE")
    keep_heaps_few()
    with _listen(settings.host, settings.port) as listener:
        inspector = open_to_serve(settings.bundle)
        prepare_storage(settings)
        _serve_on(listener, settings, inspector)


@app.command()
def migrate(data: DataOption = None, database_url: UrlOption = None) -> None:
    """Bring the database up to date and stop."""
    settings = read_settings(data=data, database_url=database_url)
    prepare_storage(settings)
    say(f"{settings.resolved_database_url.render_as_string()} is up to date")


def _serve_on(listener: socket.socket, settings: ServiceSettings, inspector: Inspector) -> None:
    address, chosen_port = listener.getsockname()[:2]
    shown = f"[{address}]" if ":" in address else address
    say(f"Kensa serves {inspector.bundle_id} at http://{shown}:{chosen_port}/review")
    configure_logs(settings.log_format)
    config = uvicorn.Config(
        create_app(settings, inspector),
        access_log=False,
        log_config=None,
        http=patient_protocol(settings.upload_patience_s),
        server_header=False,
        timeout_graceful_shutdown=_GRACE_S,
    )
    try:
        uvicorn.Server(config).run(sockets=[listener])
    except KeyboardInterrupt:
        say("Kensa has stopped")


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(address[:2], family=family, backlog=512)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise ConfigError(f"port {port}: is in use on {host}", "choose another with --port") from None
        raise ConfigError(f"{host}:{port}: {error.strerror}", "choose another --host or --port") from None
