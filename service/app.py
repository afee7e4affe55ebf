"""Assembly: a verified bundle, a database and a store become one application."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from inspection import __version__
from inspection.inspector import Inspector
from service.access import api as access_api
from service.access import oidc_pages, people_api, people_pages
from service.access import pages as access_pages
from service.access.doorkeeper import Doorkeeper
from service.access.oidc_sign_on import SingleSignOn, open_provider
from service.audit import api as audit_api
from service.challenge import api as challenge_api
from service.challenge import pages as challenge_pages
from service.defect_names import api as defect_names_api
from service.defect_names import pages as defect_names_pages
from service.drift import api as drift_api
from service.drift import pages as drift_pages
from service.export import api as export_api
from service.export import pages as export_pages
from service.factory import api as factory_api
from service.health import api as health_api
from service.intake import api as intake_api
from service.nightly import api as nightly_api
from service.nightly import pages as nightly_pages
from service.overview import api as overview_api
from service.overview import pages as overview_pages
from service.patience import BodyPatience
from service.profiles import api as profiles_api
from service.registry import api as registry_api
from service.registry import pages as registry_pages
from service.request_ids import RequestIds
from service.returns import api as returns_api
from service.returns import pages as returns_pages
from service.review import api as review_api
from service.review import pages as review_pages
from service.running import running
from service.settings import ServiceSettings
from service.shadow import api as shadow_api
from service.shadow import pages as shadow_pages
from service.spot_checks import api as spot_checks_api
from service.spot_checks import pages as spot_checks_pages
from service.thresholds import api as thresholds_api
from service.thresholds import pages as thresholds_pages
from service.trends import api as trends_api
from service.trends import pages as trends_pages
from service.web import charts, language_page
from service.web.guard import require_guards
from service.web.limits import SafeHeaders, UploadLimit
from service.web.problems import Problem, install_problem_handlers
from service.web.static_folder import STATIC_FOLDER, StaticFolder

ROUTERS = (
    intake_api.cameras,
    intake_api.router,
    intake_api.parts,
    profiles_api.router,
    registry_api.router,
    review_api.router,
    factory_api.router,
    drift_api.router,
    drift_pages.router,
    shadow_api.router,
    shadow_pages.router,
    health_api.router,
    review_pages.router,
    access_api.router,
    access_pages.router,
    people_api.router,
    people_pages.router,
    oidc_pages.router,
    audit_api.router,
    challenge_api.router,
    challenge_pages.router,
    overview_api.router,
    overview_pages.router,
    returns_api.router,
    returns_pages.router,
    export_api.router,
    export_pages.router,
    trends_api.router,
    trends_pages.router,
    thresholds_api.router,
    thresholds_pages.router,
    nightly_api.router,
    nightly_pages.router,
    registry_pages.router,
    language_page.router,
    charts.router,
    spot_checks_api.router,
    spot_checks_pages.router,
    defect_names_api.router,
    defect_names_pages.router,
)
_DESCRIPTION = """A camera posts an image and gets the verdict PASS, HOLD or FAIL once image and verdict are durable.

What cannot be judged is held for a person, never passed and never dropped. Every error is `application/problem+json`
with a `remedy`."""


def create_app(settings: ServiceSettings, inspector: Inspector) -> FastAPI:
    """The application of one station. Its database must be up to date; the pool runs while the application does.

    Raises ConfigError for a file of single sign-on that cannot be used.
    """
    provider = open_provider(settings)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with running(settings, inspector) as runtime:
            app.state.doorkeeper = Doorkeeper(runtime.database)
            app.state.single_sign_on = None if provider is None else SingleSignOn(runtime.database, provider)
            app.state.runtime = runtime
            yield

    # No pages at /docs: they would load their scripts from elsewhere.
    app = FastAPI(
        title="Kensa",
        version=__version__,
        description=_DESCRIPTION,
        openapi_url="/api/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    install_problem_handlers(app)
    app.add_middleware(UploadLimit, limit_bytes=settings.upload_limit_mb * 2**20)
    app.add_middleware(BodyPatience, patience_s=settings.upload_patience_s)
    app.add_middleware(SafeHeaders)
    app.add_middleware(RequestIds)
    # By far the most requests are of cameras: theirs come first, and not by way of a router of their own.
    app.router.routes.extend(intake_api.cameras.routes)
    for router in ROUTERS:
        if router is not intake_api.cameras:
            app.include_router(router)
    app.mount("/static", StaticFolder(directory=STATIC_FOLDER), name="static")
    require_guards(app)
    app.openapi = lambda: _describe(app)  # type: ignore[method-assign]
    return app


def _describe(app: FastAPI) -> dict[str, Any]:
    """The API's description, with the one body that all its errors have."""
    if app.openapi_schema is None:
        schema = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
        problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas = schema.setdefault("components", {}).setdefault("schemas", {})
        schemas |= {**problem.pop("$defs"), "Problem": problem}
        app.openapi_schema = schema
    return app.openapi_schema
