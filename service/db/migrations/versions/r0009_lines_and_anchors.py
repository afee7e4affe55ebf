"""Champions of lines, and the anchor that challengers are compared with besides the champion."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0010"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("promotions", sa.Column("line", sa.String(128), nullable=True))
    op.create_table(
        "anchors",
        sa.Column("id", ID, nullable=False),
        sa.Column("bundle_id", sa.String(128), nullable=False),
        sa.Column("line", sa.String(128), nullable=True),
        sa.Column("author", sa.String(128), nullable=False),
        sa.Column("chosen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_anchors")),
    )


def downgrade() -> None:
    op.drop_table("anchors")
    op.drop_column("promotions", "line")
