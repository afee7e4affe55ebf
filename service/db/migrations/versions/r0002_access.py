"""People, their sessions, station keys, and the audit trail."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "people",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("password_hash", sa.String(256), nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("disabled_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_people")),
        sa.UniqueConstraint("name", name=op.f("uq_people_name")),
        sa.CheckConstraint("role IN ('viewer', 'reviewer', 'engineer', 'admin')", name=op.f("ck_people_role")),
    )
    _create_tokens("person_sessions", ("began_at", "seen_at"))
    _create_tokens("sign_in_links", ("ends_at",))
    op.create_table(
        "station_keys",
        sa.Column("id", ID, nullable=False),
        sa.Column("key_sha256", sa.String(64), nullable=False),
        sa.Column("stations", sa.String(128), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("ends_at", INSTANT, nullable=True),
        sa.Column("seen_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_station_keys")),
        sa.UniqueConstraint("key_sha256", name=op.f("uq_station_keys_key_sha256")),
    )
    op.create_index("ix_station_keys_stations", "station_keys", ["stations"])
    _create_audit_records()


def downgrade() -> None:
    for table in ("audit_records", "station_keys", "sign_in_links", "person_sessions", "people"):
        op.drop_table(table)


def _create_tokens(table: str, instants: tuple[str, ...]) -> None:
    op.create_table(
        table,
        sa.Column("token_sha256", sa.String(64), nullable=False),
        sa.Column("person_id", ID, nullable=False),
        *(sa.Column(instant, INSTANT, nullable=False) for instant in instants),
        sa.PrimaryKeyConstraint("token_sha256", name=op.f(f"pk_{table}")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f(f"fk_{table}_person_id")),
    )
    op.create_index(f"ix_{table}_person_id", table, ["person_id"])


def _create_audit_records() -> None:
    op.create_table(
        "audit_records",
        sa.Column("sequence", ID, autoincrement=False, nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.Column("actor", sa.String(128), nullable=False),
        sa.Column("action", sa.String(32), nullable=False),
        sa.Column("subject", sa.String(160), nullable=False),
        sa.Column("first_inspection_id", ID, nullable=True),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("previous_sha256", sa.String(64), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("sequence", name=op.f("pk_audit_records")),
    )
    op.create_index("ix_audit_records_first_inspection_id", "audit_records", ["first_inspection_id"])
