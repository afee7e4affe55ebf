"""All tables of all features, for the migrations."""

from sqlalchemy import MetaData

from service.access.tables import Person
from service.audit.tables import AuditRecord
from service.challenge.tables import ChallengePart
from service.db.columns import Record
from service.db.tables import StoredInspection
from service.defect_names.tables import DefectNameChange
from service.drift.tables import DriftAlarm
from service.factory.tables import OutboxMessage
from service.nightly.tables import Night
from service.profiles.tables import ProfileVersion
from service.registry.tables import Promotion
from service.review.tables import Disposition
from service.shadow.tables import ShadowTrial
from service.spot_checks.tables import SpotCheck
from service.tallies.tables import Tally

# Naming one table of each module is what registers all of that module's tables.
_REGISTERED = (
    StoredInspection,
    Disposition,
    SpotCheck,
    DefectNameChange,
    Person,
    AuditRecord,
    ProfileVersion,
    Promotion,
    Night,
    Tally,
    OutboxMessage,
    DriftAlarm,
    ShadowTrial,
    ChallengePart,
)


def all_tables() -> MetaData:
    """The metadata that the newest migration must agree with."""
    return Record.metadata
