"""The factory: the outbox with its receivers, and what the line announces."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0006"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _create_outbox()
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
