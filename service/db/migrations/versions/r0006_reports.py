"""Reports: tallies of what came, challenge parts of every shift, and the indexes that keep their pages quick."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)
SCORE: sa.Double[float] = sa.Double()
NAME = sa.String(128)
QUEUE_ORDER = "ix_waiting_parts_order"
INDEXES = {
    "ix_inspections_station": ("inspections", ["station_id", "id"]),
    "ix_inspections_received_at": ("inspections", ["received_at"]),
    "ix_dispositions_decided_at": ("dispositions", ["decided_at"]),
}


def upgrade() -> None:
    _create_tallies()
    _create_challenges()
    for index, (table, columns) in INDEXES.items():
        op.create_index(index, table, columns)
    # As the queue is read: the most suspicious first. With an ascending score the whole queue had to be sorted.
    op.drop_index(QUEUE_ORDER, "waiting_parts")
    op.create_index(QUEUE_ORDER, "waiting_parts", ["rank", sa.text("score DESC"), "inspection_id"])


def downgrade() -> None:
    op.drop_index(QUEUE_ORDER, "waiting_parts")
    op.create_index(QUEUE_ORDER, "waiting_parts", ["rank", "score", "inspection_id"])
    for index, (table, _) in INDEXES.items():
        op.drop_index(index, table)
    for name in ("challenge_acts", "challenge_results", "challenge_parts", "tally_progress", "tallies"):
        op.drop_table(name)


def _create_tallies() -> None:
    counts = ("pass_count", "hold_count", "fail_count", "scored_count")
    sums = ("local_sum", "local_square_sum", "global_sum", "global_square_sum")
    op.create_table(
        "tallies",
        sa.Column("id", ID, nullable=False),
        sa.Column("station_id", ID, nullable=False),
        sa.Column("quarter", INSTANT, nullable=False),
        sa.Column("bundle_id", NAME, nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in counts),
        *(sa.Column(name, SCORE, nullable=False) for name in sums),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tallies")),
        sa.ForeignKeyConstraint(["station_id"], ["stations.id"], name=op.f("fk_tallies_station_id")),
        sa.UniqueConstraint("station_id", "quarter", "bundle_id", name=op.f("uq_tallies_station_id_quarter_bundle_id")),
    )
    op.create_index("ix_tallies_quarter", "tallies", ["quarter"])
    op.create_table(
        "tally_progress",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("last_inspection_id", ID, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tally_progress")),
    )


def _create_challenges() -> None:
    op.create_table(
        "challenge_parts",
        sa.Column("id", ID, nullable=False),
        sa.Column("station_id", ID, nullable=False),
        sa.Column("part_name", NAME, nullable=False),
        sa.Column("expectation", sa.String(16), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("registered_by", NAME, nullable=False),
        sa.Column("registered_at", INSTANT, nullable=False),
        sa.Column("retired_by", NAME, nullable=True),
        sa.Column("retired_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_challenge_parts")),
        sa.ForeignKeyConstraint(["station_id"], ["stations.id"], name=op.f("fk_challenge_parts_station_id")),
        sa.CheckConstraint("expectation IN ('pass', 'flagged', 'fail')", name=op.f("ck_challenge_parts_expectation")),
    )
    op.create_index("ix_challenge_parts_station_id", "challenge_parts", ["station_id"])
    op.create_table(
        "challenge_results",
        sa.Column("id", ID, nullable=False),
        sa.Column("challenge_part_id", ID, nullable=False),
        sa.Column("inspection_id", ID, nullable=False),
        sa.Column("verdict", sa.String(8), nullable=False),
        sa.Column("was_right", sa.Boolean(), nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_challenge_results")),
        sa.ForeignKeyConstraint(
            ["challenge_part_id"], ["challenge_parts.id"], name=op.f("fk_challenge_results_challenge_part_id")
        ),
        sa.UniqueConstraint(
            "inspection_id", "challenge_part_id", name=op.f("uq_challenge_results_inspection_id_challenge_part_id")
        ),
        sa.CheckConstraint("verdict IN ('PASS', 'HOLD', 'FAIL')", name=op.f("ck_challenge_results_verdict")),
    )
    op.create_index("ix_challenge_results_recent", "challenge_results", ["recorded_at"])
    op.create_table(
        "challenge_acts",
        sa.Column("id", ID, nullable=False),
        sa.Column("station_id", ID, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("actor", NAME, nullable=False),
        sa.Column("acted_at", INSTANT, nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_challenge_acts")),
        sa.ForeignKeyConstraint(["station_id"], ["stations.id"], name=op.f("fk_challenge_acts_station_id")),
        sa.CheckConstraint("kind IN ('repeat', 'release')", name=op.f("ck_challenge_acts_kind")),
    )
    op.create_index("ix_challenge_acts_acted_at", "challenge_acts", ["acted_at"])
