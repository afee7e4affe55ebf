"""The pages' scripts, styles and pictures."""

from pathlib import Path

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

STATIC_FOLDER = Path(__file__).parent / "static"


class StaticFolder(StaticFiles):
    """Files a browser may keep but must ask about: a module of one version must never meet one of another."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The file, or 304 where the browser has it already."""
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "no-cache"
        return response
