"""Reading trials and what challengers said, within a transaction that the operation holds."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from service.db.tables import StoredInspection
from service.shadow.tables import ShadowScore, ShadowTrial


def find_open(session: Session) -> list[ShadowTrial]:
    """Trials that go on."""
    return list(session.scalars(select(ShadowTrial).where(ShadowTrial.ended_at.is_(None)).order_by(ShadowTrial.id)))


def find_newest(session: Session, *, limit: int) -> list[ShadowTrial]:
    """The newest first."""
    return list(session.scalars(select(ShadowTrial).order_by(ShadowTrial.id.desc()).limit(limit)))


def find_of(session: Session, bundle_id: str) -> ShadowTrial | None:
    """The newest trial of a challenger."""
    query = select(ShadowTrial).where(ShadowTrial.bundle_id == bundle_id).order_by(ShadowTrial.id.desc()).limit(1)
    return session.scalar(query)


def count_scores(session: Session, trial_id: int) -> tuple[int, int]:
    """(parts scored by both, of these with another verdict)."""
    scored = select(func.count()).where(ShadowScore.trial_id == trial_id)
    return session.scalar(scored) or 0, session.scalar(scored.where(ShadowScore.is_flip.is_(True))) or 0


def find_flips(session: Session, trial_id: int, *, limit: int) -> list[ShadowScore]:
    """The most different first, each with its inspection and the names of it."""
    inspection = joinedload(ShadowScore.inspection)
    query = (
        select(ShadowScore)
        .options(
            inspection.joinedload(StoredInspection.station),
            inspection.joinedload(StoredInspection.part),
            inspection.joinedload(StoredInspection.lot),
        )
        .where(ShadowScore.trial_id == trial_id, ShadowScore.is_flip.is_(True))
        .order_by(ShadowScore.apart.desc(), ShadowScore.id)
        .limit(limit)
    )
    return list(session.scalars(query))
