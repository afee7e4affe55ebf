"""The switch between languages."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from fastapi.responses import RedirectResponse

from service.web.guard import open_to_all
from service.web.languages import LANGUAGE_COOKIE
from service.web.own_path import own_path

router = APIRouter(include_in_schema=False)
_YEAR_S = 365 * 24 * 3600


@router.get("/language/{code}", dependencies=[open_to_all()])
def get_language(
    code: Literal["en", "ja"], next_path: Annotated[str, Query(alias="next", max_length=256)] = "/"
) -> RedirectResponse:
    """Back to the page, which speaks the chosen language from now on."""
    response = RedirectResponse(own_path(next_path), 303)
    response.set_cookie(LANGUAGE_COOKIE, code, max_age=_YEAR_S, path="/", httponly=True, samesite="lax")
    return response
