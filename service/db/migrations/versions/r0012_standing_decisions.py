"""The decision that stands about each inspection, kept beside the record; counts of parts along one index."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0009"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)
DECISIONS = sa.Enum(
    *("confirmed_defect", "false_alarm", "unclear", "withdrawn"),
    name="decision",
    native_enum=False,
    length=32,
    create_constraint=True,
)
OCCASIONS = sa.Enum(
    *("first", "repeat", "second_opinion"), name="occasion", native_enum=False, length=32, create_constraint=True
)
VERDICTS = sa.Enum("PASS", "HOLD", "FAIL", name="verdict", native_enum=False, length=8, create_constraint=True)
COUNTED = ("quarter", "station_id", "bundle_id", "pass_count", "hold_count", "fail_count")
# Of each inspection the latest decision that is no repeat, and that nobody has taken back.
FILL = """
    INSERT INTO standing_decisions
    SELECT inspections.id, decided.up_to_id, stands.id, stands.decision, stands.defect, stands.reviewer,
        stands.decided_at, stands.occasion, COALESCE(stands.is_blind, {no}), inspections.station_id,
        inspections.lot_id, inspections.bundle_id, inspections.verdict, inspections.received_at
    FROM (
        SELECT inspection_id, MAX(id) AS up_to_id, MAX(CASE
            WHEN decision <> 'withdrawn' AND occasion <> 'repeat'
            AND NOT EXISTS (SELECT 1 FROM dispositions AS later WHERE later.withdraws = dispositions.id) THEN id
        END) AS stands_id
        FROM dispositions GROUP BY inspection_id
    ) AS decided
    JOIN inspections ON inspections.id = decided.inspection_id
    LEFT JOIN dispositions AS stands ON stands.id = decided.stands_id
"""


def upgrade() -> None:
    op.create_table(
        "standing_decisions",
        sa.Column("inspection_id", ID, nullable=False, autoincrement=False),
        sa.Column("up_to_id", ID, nullable=False),
        sa.Column("disposition_id", ID, nullable=True),
        sa.Column("decision", DECISIONS, nullable=True),
        sa.Column("defect", sa.String(64), nullable=True),
        sa.Column("reviewer", sa.String(128), nullable=True),
        sa.Column("decided_at", INSTANT, nullable=True),
        sa.Column("occasion", OCCASIONS, nullable=True),
        sa.Column("is_blind", sa.Boolean(), nullable=False),
        sa.Column("station_id", ID, nullable=False),
        sa.Column("lot_id", ID, nullable=True),
        sa.Column("bundle_id", sa.String(128), nullable=True),
        sa.Column("verdict", VERDICTS, nullable=False),
        sa.Column("received_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("inspection_id", name=op.f("pk_standing_decisions")),
        *(
            sa.ForeignKeyConstraint([name], [f"{table}.id"], name=op.f(f"fk_standing_decisions_{name}"))
            for name, table in (
                ("inspection_id", "inspections"),
                ("up_to_id", "dispositions"),
                ("disposition_id", "dispositions"),
                ("station_id", "stations"),
                ("lot_id", "lots"),
            )
        ),
    )
    op.execute(sa.text(FILL.format(no="0" if op.get_bind().dialect.name == "sqlite" else "false")))
    for name, columns in (
        ("received", ("received_at", "verdict", "decision", "station_id", "bundle_id", "inspection_id")),
        ("decided", ("decided_at", "decision", "verdict", "station_id")),
        ("station", ("station_id", "bundle_id", "decided_at")),
    ):
        op.create_index(f"ix_standing_decisions_{name}", "standing_decisions", columns)
    op.drop_index("ix_tallies_quarter", "tallies")
    op.create_index("ix_tallies_counted", "tallies", COUNTED)


def downgrade() -> None:
    op.drop_index("ix_tallies_counted", "tallies")
    op.create_index("ix_tallies_quarter", "tallies", ["quarter"])
    op.drop_table("standing_decisions")
