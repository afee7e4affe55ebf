"""Where bundles of nights come from: parent, pictures, recipe, the gate's report."""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.db.engine import Database
from service.db.first_sight import insert_unless_there
from service.registry.tables import BundleLineage


@dataclass(frozen=True, slots=True)
class Origin:
    """Of one bundle, as its night knows it."""

    bundle_id: str
    parent_id: str | None
    night: str | None
    images_sha256: str
    image_count: int
    recipe: str
    teacher: str | None
    gate: dict[str, Any] | None


def record_lineage(database: Database, origin: Origin) -> None:
    """Once: a bundle's name follows from its content, and so does where it comes from."""
    with database.writing() as session:
        insert_unless_there(session, BundleLineage, {**asdict(origin), "recorded_at": datetime.now(UTC)})


def find_lineage(session: Session, bundle_id: str) -> BundleLineage | None:
    """None for a bundle that came from no night of this service."""
    return session.scalar(select(BundleLineage).where(BundleLineage.bundle_id == bundle_id))


def find_children(session: Session, bundle_id: str) -> list[BundleLineage]:
    """What was made from it, the newest first."""
    query = select(BundleLineage).where(BundleLineage.parent_id == bundle_id)
    return list(session.scalars(query.order_by(BundleLineage.id.desc())))
