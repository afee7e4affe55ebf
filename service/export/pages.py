"""The page that leads to all exports."""

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from service.callers import Permission
from service.export.operations import SHEETS, SUBJECTS, Subject
from service.web.guard import needs
from service.web.visit import VisitDependency

router = APIRouter(include_in_schema=False, dependencies=[needs(Permission.SEE_QUEUE)])


@router.get("/export")
def get_export_page(visit: VisitDependency) -> HTMLResponse:
    """What there is to export, for whoever looks."""
    shown: dict[Subject, list[tuple[str, str, str]]] = {}
    for sheet in SHEETS.values():
        if visit.may(sheet.permission):
            words = (sheet.name, visit.words(sheet.title), visit.words(sheet.meaning))
            shown.setdefault(sheet.subject, []).append(words)
    subjects = {visit.words(SUBJECTS[subject]): sheets for subject, sheets in shown.items()}
    return visit.show("export/export.html", subjects=subjects)
