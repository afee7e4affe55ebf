"""When a person last signed in; and indexes along which the pages read a part of a long history."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0011"
branch_labels = None
depends_on = None

INDEXES = {
    "ix_spot_checks_drawn_at": ("spot_checks", ["drawn_from", "drawn_at"]),
    "ix_waiting_parts_kind": ("waiting_parts", ["kind", "inspection_id"]),
}
# What the audit trail knows already is not forgotten.
LAST_SIGN_INS = """
UPDATE people SET last_sign_in_at = (
    SELECT max(recorded_at) FROM audit_records WHERE action = 'sign_in' AND actor = people.name
)
"""


def upgrade() -> None:
    op.add_column("people", sa.Column("last_sign_in_at", sa.DateTime(timezone=True), nullable=True))
    op.execute(LAST_SIGN_INS)
    for index, (table, columns) in INDEXES.items():
        op.create_index(index, table, columns)


def downgrade() -> None:
    for index, (table, _) in INDEXES.items():
        op.drop_index(index, table)
    with op.batch_alter_table("people") as people:
        people.drop_column("last_sign_in_at")
