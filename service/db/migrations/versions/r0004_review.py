"""Review: the queue as a table of its own, leases, names of defects, and decisions that are withdrawn."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)
SCORE: sa.Double[float] = sa.Double()
DECISIONS = "decision IN ('confirmed_defect', 'false_alarm', 'unclear', 'withdrawn')"
DECISIONS_BEFORE = "decision IN ('confirmed_defect', 'false_alarm', 'unclear')"
_FILL = """
    INSERT INTO waiting_parts (inspection_id, rank, score)
    SELECT id, CASE verdict WHEN 'HOLD' THEN 0 ELSE 1 END, COALESCE(part_score, -1e300) FROM inspections
    WHERE verdict IN ('HOLD', 'FAIL')
    AND NOT EXISTS (SELECT 1 FROM dispositions WHERE dispositions.inspection_id = inspections.id)
"""


def upgrade() -> None:
    op.create_table(
        "waiting_parts",
        sa.Column("inspection_id", ID, autoincrement=False, nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("score", SCORE, nullable=False),
        sa.PrimaryKeyConstraint("inspection_id", name=op.f("pk_waiting_parts")),
        sa.ForeignKeyConstraint(["inspection_id"], ["inspections.id"], name=op.f("fk_waiting_parts_inspection_id")),
    )
    op.create_index("ix_waiting_parts_order", "waiting_parts", ["rank", "score", "inspection_id"])
    op.execute(sa.text(_FILL))
    op.create_table(
        "review_leases",
        sa.Column("inspection_id", ID, autoincrement=False, nullable=False),
        sa.Column("reviewer", sa.String(128), nullable=False),
        sa.Column("ends_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("inspection_id", name=op.f("pk_review_leases")),
        sa.ForeignKeyConstraint(["inspection_id"], ["inspections.id"], name=op.f("fk_review_leases_inspection_id")),
    )
    _allow(DECISIONS)
    op.add_column("dispositions", sa.Column("defect", sa.String(64), nullable=True))
    op.create_index("ix_dispositions_defect", "dispositions", ["defect"])


def downgrade() -> None:
    op.drop_index("ix_dispositions_defect", "dispositions")
    with op.batch_alter_table("dispositions") as table:
        table.drop_column("defect")
    _allow(DECISIONS_BEFORE)
    op.drop_table("review_leases")
    op.drop_table("waiting_parts")


def _allow(decisions: str) -> None:
    with op.batch_alter_table("dispositions") as table:
        table.drop_constraint(op.f("ck_dispositions_decision"), type_="check")
        table.create_check_constraint(op.f("ck_dispositions_decision"), decisions)
