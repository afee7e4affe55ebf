"""One look at a page: who looks, in which language, and the template's HTML for them."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse

from service.callers import Caller, Permission
from service.web.charts import CHART_POLICY
from service.web.languages import Language, language_of
from service.web.script_words import SCRIPT_WORDS
from service.web.templating import render


@dataclass(frozen=True, slots=True)
class Visit:
    """`caller` is None where nobody is signed in."""

    caller: Caller | None
    language: Language
    path: str

    def may(self, permission: str) -> bool:
        """Whether to offer what needs this permission; the guard of the route decides."""
        return self.caller is not None and Permission(permission) in self.caller.permissions

    def words(self, message: str, **values: object) -> str:
        return self.language.words(message, **values)

    @property
    def script_words(self) -> dict[str, str]:
        """What the scripts say, by its English."""
        return {message: self.language.words(message) for message in SCRIPT_WORDS}

    def show(self, template: str, **context: object) -> HTMLResponse:
        """The page, never kept by a browser: the next person there may be another one."""
        return HTMLResponse(self.render(template, **context), headers={"Cache-Control": "no-store"})

    def show_charts(self, template: str, **context: object) -> HTMLResponse:
        """A page that draws charts with plotly.js."""
        page = self.show(template, **context)
        page.headers["Content-Security-Policy"] = CHART_POLICY
        return page

    def render(self, template: str, **context: object) -> str:
        return render(template, self.language.code, visit=self, **context)


def visit_of(request: Request) -> Visit:
    """Who looks is known once the route's guard has let them in."""
    return Visit(getattr(request.state, "caller", None), language_of(request), request.url.path)


VisitDependency = Annotated[Visit, Depends(visit_of)]
