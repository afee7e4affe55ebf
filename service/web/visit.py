"""One look at a page: who looks, and the template's HTML for them."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse

from service.callers import Caller, Permission
from service.web.templating import render


@dataclass(frozen=True, slots=True)
class Visit:
    """`caller` is None where nobody is signed in."""

    caller: Caller | None

    def may(self, permission: str) -> bool:
        """Whether to offer what needs this permission; the guard of the route decides."""
        return self.caller is not None and Permission(permission) in self.caller.permissions

    def show(self, template: str, **context: object) -> HTMLResponse:
        """The page, never kept by a browser: the next person there may be another one."""
        return HTMLResponse(self.render(template, **context), headers={"Cache-Control": "no-store"})

    def render(self, template: str, **context: object) -> str:
        return render(template, visit=self, **context)


def visit_of(request: Request) -> Visit:
    """Who looks is known once the route's guard has let them in."""
    return Visit(getattr(request.state, "caller", None))


def _get_visit(request: Request) -> Visit:
    return visit_of(request)


VisitDependency = Annotated[Visit, Depends(_get_visit)]
