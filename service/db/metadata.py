"""All tables of all features, for the migrations."""

from sqlalchemy import MetaData

from service.access.tables import Person
from service.audit.tables import AuditRecord
from service.db.columns import Record
from service.db.tables import StoredInspection
from service.profiles.tables import ProfileVersion
from service.registry.tables import Promotion
from service.review.tables import Disposition

# Naming one table of each module is what registers all of that module's tables.
_REGISTERED = (StoredInspection, Disposition, Person, AuditRecord, ProfileVersion, Promotion)


def all_tables() -> MetaData:
    """The metadata that the newest migration must agree with."""
    return Record.metadata
