"""Charts: plotly.js as the installed package has it, and what lets it work under the pages' policy.

A page with charts extends `page.html`, takes `chart_head` and `chart` from `charts.html`, and is shown by
`Visit.show_charts`. A chart's figure is {"data": [...], "layout": {...}} in plotly's own words, made in Python, where
the words are translated; `static/charts.js` adds the page's colours and type ("token:fail" is a colour of kensa.css).
Every chart also stands there as a table.
"""

import re
from functools import cache
from importlib.resources import files
from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import FileResponse

from service.web.guard import open_to_all
from service.web.limits import CONTENT_POLICY

router = APIRouter(include_in_schema=False)
# At its start plotly.js looks whether the browser knows WebP, by a picture that it carries in itself.
CHART_POLICY = CONTENT_POLICY.replace("img-src 'self'", "img-src 'self' data:")


@router.get("/charts/plotly.min.js", dependencies=[open_to_all()])
def get_plotly() -> FileResponse:
    """The script of the installed package; a browser keeps it, and asks whether it is still the same."""
    return FileResponse(_script(), media_type="text/javascript", headers={"Cache-Control": "no-cache"})


@cache
def map_style_id() -> str | None:
    """plotly.js adds a style for maps, which the policy refuses aloud, unless an element of this id is there."""
    found = re.search(r'getElementById\("([0-9a-f]{64})"\)', _script().read_text(encoding="utf-8"))
    return found[1] if found else None


def _script() -> Path:
    return Path(str(files("plotly"))) / "package_data" / "plotly.min.js"
