"""The factory's outbox and what the line announces; drift of stations; challengers in shadow."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0006"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)
SCORE: sa.Double[float] = sa.Double()
KINDS = ("local", "global")
SCORES = (
    *(f"{kind}_score" for kind in ("local", "global", "part")),
    *(f"{kind}_{limit}_limit" for kind in ("local", "global") for limit in ("pass", "fail")),
)


def upgrade() -> None:
    _create_outbox()
    _create_drift()
    _create_shadow()
    op.create_table(
        "outbox_receivers",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("seen_at", INSTANT, nullable=True),
        sa.Column("failing_since", INSTANT, nullable=True),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox_receivers")),
        sa.UniqueConstraint("name", name=op.f("uq_outbox_receivers_name")),
    )
    op.create_table(
        "outbox_cursors",
        sa.Column("receiver_id", ID, autoincrement=False, nullable=False),
        sa.Column("station_id", ID, autoincrement=False, nullable=False),
        sa.Column("sequence", ID, nullable=False),
        sa.PrimaryKeyConstraint("receiver_id", "station_id", name=op.f("pk_outbox_cursors")),
        sa.ForeignKeyConstraint(["receiver_id"], ["outbox_receivers.id"], name=op.f("fk_outbox_cursors_receiver_id")),
        sa.ForeignKeyConstraint(["station_id"], ["stations.id"], name=op.f("fk_outbox_cursors_station_id")),
    )
    op.create_table(
        "outbox_senders",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("holder", sa.String(128), nullable=False),
        sa.Column("ends_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox_senders")),
    )
    op.create_table(
        "line_announcements",
        sa.Column("id", ID, nullable=False),
        sa.Column("station_id", ID, nullable=False),
        sa.Column("announced_at", INSTANT, nullable=False),
        sa.Column("lot", sa.String(128), nullable=True),
        sa.Column("part_number", sa.String(128), nullable=True),
        sa.Column("source", sa.String(128), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_line_announcements")),
        sa.ForeignKeyConstraint(["station_id"], ["stations.id"], name=op.f("fk_line_announcements_station_id")),
    )
    op.create_index("ix_line_announcements_station", "line_announcements", ["station_id", "announced_at"])


def downgrade() -> None:
    for table in (
        "shadow_scores",
        "shadow_trials",
        "drift_alarms",
        "drift_points",
        "drift_watches",
        "line_announcements",
        "outbox_senders",
        "outbox_cursors",
        "outbox_receivers",
        "outbox_sequences",
        "outbox_messages",
    ):
        op.drop_table(table)


def _create_outbox() -> None:
    op.create_table(
        "outbox_messages",
        sa.Column("id", ID, nullable=False),
        sa.Column("station_id", ID, nullable=False),
        sa.Column("sequence", ID, nullable=False),
        sa.Column("message_id", sa.String(32), nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox_messages")),
        sa.ForeignKeyConstraint(["station_id"], ["stations.id"], name=op.f("fk_outbox_messages_station_id")),
        sa.UniqueConstraint("station_id", "sequence", name=op.f("uq_outbox_messages_station_id_sequence")),
    )
    op.create_index("ix_outbox_messages_recorded_at", "outbox_messages", ["recorded_at"])
    op.create_table(
        "outbox_sequences",
        sa.Column("station_id", ID, autoincrement=False, nullable=False),
        sa.Column("sequence", ID, nullable=False),
        sa.PrimaryKeyConstraint("station_id", name=op.f("pk_outbox_sequences")),
        sa.ForeignKeyConstraint(["station_id"], ["stations.id"], name=op.f("fk_outbox_sequences_station_id")),
    )


def _create_drift() -> None:
    op.create_table(
        "drift_watches",
        sa.Column("station_id", ID, autoincrement=False, nullable=False),
        sa.Column("bundle_id", sa.String(128), nullable=False),
        sa.Column("profile_version", sa.Integer(), nullable=False),
        sa.Column("up_to_id", ID, nullable=False),
        sa.Column("state", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("station_id", name=op.f("pk_drift_watches")),
        sa.ForeignKeyConstraint(["station_id"], ["stations.id"], name=op.f("fk_drift_watches_station_id")),
    )
    op.create_table(
        "drift_points",
        sa.Column("id", ID, nullable=False),
        sa.Column("station_id", ID, nullable=False),
        sa.Column("first_inspection_id", ID, nullable=False),
        sa.Column("ended_at", INSTANT, nullable=False),
        sa.Column("lot", sa.String(128), nullable=False),
        *(sa.Column(f"{kind}_{figure}", SCORE, nullable=False) for figure in ("median", "ewma") for kind in KINDS),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_drift_points")),
        sa.ForeignKeyConstraint(["station_id"], ["stations.id"], name=op.f("fk_drift_points_station_id")),
    )
    op.create_index("ix_drift_points_station", "drift_points", ["station_id", "id"])
    op.create_table(
        "drift_alarms",
        sa.Column("id", ID, nullable=False),
        sa.Column("station_id", ID, nullable=False),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("bundle_id", sa.String(128), nullable=False),
        sa.Column("profile_version", sa.Integer(), nullable=False),
        sa.Column("since_inspection_id", ID, nullable=False),
        sa.Column("noticed_inspection_id", ID, nullable=False),
        sa.Column("noticed_at", INSTANT, nullable=False),
        sa.Column("ewma", SCORE, nullable=False),
        sa.Column("ended_at", INSTANT, nullable=True),
        sa.Column("ended_by", sa.String(128), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_drift_alarms")),
        sa.ForeignKeyConstraint(["station_id"], ["stations.id"], name=op.f("fk_drift_alarms_station_id")),
        sa.CheckConstraint("kind IN ('global', 'local')", name=op.f("ck_drift_alarms_kind")),
    )
    op.create_index("ix_drift_alarms_station", "drift_alarms", ["station_id", "ended_at"])


def _create_shadow() -> None:
    op.create_table(
        "shadow_trials",
        sa.Column("id", ID, nullable=False),
        sa.Column("bundle_id", sa.String(128), nullable=False),
        sa.Column("champion_id", sa.String(128), nullable=False),
        sa.Column("stations", sa.JSON(), nullable=False),
        sa.Column("sample_rate", SCORE, nullable=False),
        sa.Column("author", sa.String(128), nullable=False),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("ended_at", INSTANT, nullable=True),
        sa.Column("ended_by", sa.String(128), nullable=True),
        sa.Column("trouble", sa.Text(), nullable=True),
        sa.Column("dropped_count", ID, nullable=False),
        sa.Column("cpu_s", SCORE, nullable=False),
        sa.Column("wall_s", SCORE, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shadow_trials")),
    )
    op.create_index("ix_shadow_trials_bundle_id", "shadow_trials", ["bundle_id"])
    op.create_table(
        "shadow_scores",
        sa.Column("id", ID, nullable=False),
        sa.Column("trial_id", ID, nullable=False),
        sa.Column("inspection_id", ID, nullable=False),
        sa.Column("verdict", sa.String(8), nullable=False),
        sa.Column("champion_verdict", sa.String(8), nullable=False),
        *(sa.Column(name, SCORE, nullable=True) for name in SCORES),
        sa.Column("is_flip", sa.Boolean(), nullable=False),
        sa.Column("apart", SCORE, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shadow_scores")),
        sa.ForeignKeyConstraint(["trial_id"], ["shadow_trials.id"], name=op.f("fk_shadow_scores_trial_id")),
        sa.ForeignKeyConstraint(["inspection_id"], ["inspections.id"], name=op.f("fk_shadow_scores_inspection_id")),
        sa.UniqueConstraint("trial_id", "inspection_id", name=op.f("uq_shadow_scores_trial_id_inspection_id")),
        *(
            sa.CheckConstraint(f"{column} IN ('PASS', 'HOLD', 'FAIL')", name=op.f(f"ck_shadow_scores_{column}"))
            for column in ("verdict", "champion_verdict")
        ),
    )
    op.create_index("ix_shadow_scores_flips", "shadow_scores", ["trial_id", "is_flip", "apart"])
