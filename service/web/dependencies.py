"""What a route may ask for."""

from typing import Annotated

from fastapi import Depends, Path, Request

from service.runtime import Runtime


async def get_runtime(request: Request) -> Runtime:
    """What this application runs on. Asynchronous, since FastAPI would send a plain function to a thread."""
    runtime: Runtime = request.app.state.runtime
    return runtime


RuntimeDependency = Annotated[Runtime, Depends(get_runtime)]
InspectionId = Annotated[int, Path(ge=1, le=2**63 - 1, description="The inspection's id.", examples=[381])]
