"""The record: stations, lots, parts, their inspections, and what people decided of them."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)
SCORE: sa.Double[float] = sa.Double()


def upgrade() -> None:
    for table in ("stations", "lots", "parts"):
        op.create_table(
            table,
            sa.Column("id", ID, nullable=False),
            sa.Column("name", sa.String(128), nullable=False),
            sa.Column("first_seen_at", INSTANT, nullable=False),
            sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
            sa.UniqueConstraint("name", name=op.f(f"uq_{table}_name")),
        )
    op.create_table("inspections", *_inspection_columns(), *_inspection_constraints())
    op.create_index("ix_inspections_flagged", "inspections", ["verdict", "part_score", "id"])
    op.create_index("ix_inspections_lot_id", "inspections", ["lot_id"])
    op.create_index("ix_inspections_part_id", "inspections", ["part_id"])
    op.create_table(
        "dispositions",
        sa.Column("id", ID, nullable=False),
        sa.Column("inspection_id", ID, nullable=False),
        sa.Column("decision", sa.String(32), nullable=False),
        sa.Column("reviewer", sa.String(128), nullable=False),
        sa.Column("decided_at", INSTANT, nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dispositions")),
        sa.ForeignKeyConstraint(["inspection_id"], ["inspections.id"], name=op.f("fk_dispositions_inspection_id")),
        sa.CheckConstraint(
            "decision IN ('confirmed_defect', 'false_alarm', 'unclear')", name=op.f("ck_dispositions_decision")
        ),
    )
    op.create_index("ix_dispositions_inspection_id", "dispositions", ["inspection_id"])


def downgrade() -> None:
    for table in ("dispositions", "inspections", "parts", "lots", "stations"):
        op.drop_table(table)


def _inspection_columns() -> list[sa.Column[Any]]:
    return [
        sa.Column("id", ID, nullable=False),
        sa.Column("station_id", ID, nullable=False),
        sa.Column("part_id", ID, nullable=False),
        sa.Column("lot_id", ID, nullable=True),
        sa.Column("trigger_id", sa.String(128), nullable=False),
        sa.Column("captured_at", INSTANT, nullable=True),
        sa.Column("received_at", INSTANT, nullable=False),
        sa.Column("verdict", sa.String(8), nullable=False),
        sa.Column("reason", sa.String(64), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        *(sa.Column(f"{kind}_score", SCORE, nullable=True) for kind in ("local", "global", "part")),
        *(
            sa.Column(f"{kind}_{limit}_limit", SCORE, nullable=False)
            for kind in ("local", "global")
            for limit in ("pass", "fail")
        ),
        sa.Column("regions", sa.JSON(), nullable=False),
        sa.Column("bundle_id", sa.String(128), nullable=False),
        sa.Column("image_sha256", sa.String(64), nullable=False),
        sa.Column("heat_map_sha256", sa.String(64), nullable=True),
        sa.Column("width_px", sa.Integer(), nullable=True),
        sa.Column("height_px", sa.Integer(), nullable=True),
        sa.Column("timings_ms", sa.JSON(), nullable=False),
    ]


def _inspection_constraints() -> list[sa.Constraint]:
    return [
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inspections")),
        sa.ForeignKeyConstraint(["station_id"], ["stations.id"], name=op.f("fk_inspections_station_id")),
        sa.ForeignKeyConstraint(["part_id"], ["parts.id"], name=op.f("fk_inspections_part_id")),
        sa.ForeignKeyConstraint(["lot_id"], ["lots.id"], name=op.f("fk_inspections_lot_id")),
        sa.UniqueConstraint("station_id", "trigger_id", name=op.f("uq_inspections_station_id_trigger_id")),
        sa.CheckConstraint("verdict IN ('PASS', 'HOLD', 'FAIL')", name=op.f("ck_inspections_verdict")),
    ]
