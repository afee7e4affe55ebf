"""The page that leads to all exports."""

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from service.callers import Permission
from service.export.operations import SHEETS
from service.web.guard import needs
from service.web.visit import VisitDependency

router = APIRouter(include_in_schema=False, dependencies=[needs(Permission.SEE_QUEUE)])


@router.get("/export")
def get_export_page(visit: VisitDependency) -> HTMLResponse:
    """What there is to export, for whoever looks."""
    shown = [
        (sheet.name, visit.words(sheet.title), visit.words(sheet.meaning))
        for sheet in SHEETS.values()
        if visit.may(sheet.permission)
    ]
    return visit.show("export/export.html", sheets=shown)
