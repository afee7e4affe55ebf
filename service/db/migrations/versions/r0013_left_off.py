"""Where each person left the queue; and the queue ordered in one direction, so that any place in it is soon found."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    # SQLite adds no column whose values it would have to store; PostgreSQL indexes none that it does not store.
    computed = sa.Computed("-score", persisted=op.get_bind().dialect.name != "sqlite")
    op.add_column("waiting_parts", sa.Column("place", sa.Double(), computed, nullable=False))
    op.drop_index("ix_waiting_parts_order", "waiting_parts")
    op.create_index("ix_waiting_parts_order", "waiting_parts", ["rank", "place", "inspection_id"])
    op.create_table(
        "left_off",
        sa.Column("reviewer", sa.String(128), nullable=False),
        sa.Column("inspection_id", ID, nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("score", sa.Double(), nullable=False),
        sa.Column("wanted", sa.JSON(), nullable=False),
        sa.Column("left_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("reviewer", name=op.f("pk_left_off")),
        sa.ForeignKeyConstraint(["inspection_id"], ["inspections.id"], name=op.f("fk_left_off_inspection_id")),
    )


def downgrade() -> None:
    op.drop_table("left_off")
    op.drop_index("ix_waiting_parts_order", "waiting_parts")
    op.create_index("ix_waiting_parts_order", "waiting_parts", ["rank", sa.text("score DESC"), "inspection_id"])
    op.drop_column("waiting_parts", "place")
