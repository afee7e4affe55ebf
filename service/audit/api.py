"""The trail over HTTP, for those who may read it."""

import json
from typing import Annotated

from fastapi import APIRouter, Query

from service.audit.operations import find_page
from service.audit.schemas import AuditPage, AuditRecordAnswer
from service.audit.tables import AuditRecord
from service.callers import Permission
from service.web.dependencies import RuntimeDependency
from service.web.guard import needs
from service.web.problems import problem_responses

router = APIRouter(prefix="/api/v1/audit", tags=["audit"], dependencies=[needs(Permission.READ_AUDIT)])


@router.get("", summary="The audit trail", responses=problem_responses(401, 403, 422, 503))
def list_audit_records(
    runtime: RuntimeDependency,
    below: Annotated[int | None, Query(ge=1, le=2**63 - 1, description="Only records before this one.")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> AuditPage:
    """Newest first. `python -m service audit verify` says whether it is whole."""
    rows = find_page(runtime.database, below=below, limit=limit + 1)
    shown = rows[:limit]
    return AuditPage(
        items=[_to_answer(row) for row in shown], next_cursor=shown[-1].sequence if len(rows) > limit else None
    )


def _to_answer(row: AuditRecord) -> AuditRecordAnswer:
    values = {name: getattr(row, name) for name in AuditRecordAnswer.model_fields}
    return AuditRecordAnswer.model_validate(values | {"detail": json.loads(row.detail)})
