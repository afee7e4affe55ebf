"""What a route may ask for."""

from typing import Annotated

from fastapi import Depends, Path, Request

from service.runtime import Runtime


def get_runtime(request: Request) -> Runtime:
    """What this application runs on."""
    runtime: Runtime = request.app.state.runtime
    return runtime


RuntimeDependency = Annotated[Runtime, Depends(get_runtime)]
InspectionId = Annotated[int, Path(ge=1, le=2**63 - 1, description="The inspection's id.", examples=[381])]
