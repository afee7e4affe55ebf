"""Opinions: spot checks, repeats and second opinions, what a person drew, and how defect names changed."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)
# Who took a decision back before took back the last one of theirs about that inspection.
_FILL_WITHDRAWS = """
    UPDATE dispositions SET withdraws = (
        SELECT MAX(earlier.id) FROM dispositions AS earlier
        WHERE earlier.inspection_id = dispositions.inspection_id AND earlier.reviewer = dispositions.reviewer
        AND earlier.id < dispositions.id AND earlier.decision <> 'withdrawn'
    ) WHERE decision = 'withdrawn'
"""


def upgrade() -> None:
    with op.batch_alter_table("dispositions") as table:
        table.add_column(sa.Column("occasion", sa.String(32), nullable=False, server_default="first"))
        table.add_column(sa.Column("is_blind", sa.Boolean(), nullable=False, server_default=sa.false()))
        table.add_column(sa.Column("settles", sa.JSON(), nullable=False, server_default="[]"))
        table.add_column(sa.Column("withdraws", ID, nullable=True))
        table.add_column(sa.Column("marks", sa.JSON(), nullable=True))
    with op.batch_alter_table("dispositions") as table:
        for name in ("occasion", "is_blind", "settles"):
            table.alter_column(name, server_default=None)
        table.create_check_constraint(
            op.f("ck_dispositions_occasion"), "occasion IN ('first', 'repeat', 'second_opinion')"
        )
        table.create_foreign_key(op.f("fk_dispositions_withdraws"), "dispositions", ["withdraws"], ["id"])
    op.create_index("ix_dispositions_withdraws", "dispositions", ["withdraws"])
    op.execute(sa.text(_FILL_WITHDRAWS))
    with op.batch_alter_table("waiting_parts") as table:
        table.add_column(sa.Column("kind", sa.String(32), nullable=False, server_default="flagged"))
        table.add_column(sa.Column("is_blind", sa.Boolean(), nullable=False, server_default=sa.false()))
        table.add_column(sa.Column("suggested_defect", sa.String(64), nullable=True))
    with op.batch_alter_table("waiting_parts") as table:
        for name in ("kind", "is_blind"):
            table.alter_column(name, server_default=None)
        table.create_check_constraint(
            op.f("ck_waiting_parts_kind"), "kind IN ('flagged', 'spot_check', 'repeat', 'second_opinion')"
        )
    op.create_index("ix_waiting_parts_suggested_defect", "waiting_parts", ["suggested_defect"])
    _create_spot_checks()
    _create_defect_name_changes()


def downgrade() -> None:
    op.drop_table("defect_name_changes")
    op.drop_table("spot_checks")
    op.drop_index("ix_waiting_parts_suggested_defect", "waiting_parts")
    # Only what is flagged waited before.
    op.execute(sa.text("DELETE FROM waiting_parts WHERE kind <> 'flagged'"))
    with op.batch_alter_table("waiting_parts") as table:
        table.drop_constraint(op.f("ck_waiting_parts_kind"), type_="check")
        for name in ("kind", "is_blind", "suggested_defect"):
            table.drop_column(name)
    op.drop_index("ix_dispositions_withdraws", "dispositions")
    with op.batch_alter_table("dispositions") as table:
        table.drop_constraint(op.f("fk_dispositions_withdraws"), type_="foreignkey")
        table.drop_constraint(op.f("ck_dispositions_occasion"), type_="check")
        for name in ("occasion", "is_blind", "settles", "withdraws", "marks"):
            table.drop_column(name)


def _create_spot_checks() -> None:
    op.create_table(
        "spot_checks",
        sa.Column("id", ID, nullable=False),
        sa.Column("inspection_id", ID, nullable=False),
        sa.Column("drawn_from", sa.String(16), nullable=False),
        sa.Column("probability", sa.Double(), nullable=False),
        sa.Column("drawn_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_spot_checks")),
        sa.ForeignKeyConstraint(["inspection_id"], ["inspections.id"], name=op.f("fk_spot_checks_inspection_id")),
        sa.CheckConstraint("drawn_from IN ('passed', 'flagged', 'decided')", name=op.f("ck_spot_checks_drawn_from")),
    )
    op.create_index("ix_spot_checks_inspection_id", "spot_checks", ["inspection_id"])
    op.create_index("ix_spot_checks_drawn_from", "spot_checks", ["drawn_from", "inspection_id"])


def _create_defect_name_changes() -> None:
    op.create_table(
        "defect_name_changes",
        sa.Column("id", ID, nullable=False),
        sa.Column("old_name", sa.String(64), nullable=True),
        sa.Column("new_name", sa.String(64), nullable=True),
        sa.Column("takes_back", ID, nullable=True),
        sa.Column("author", sa.String(128), nullable=False),
        sa.Column("changed_at", INSTANT, nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_defect_name_changes")),
        sa.ForeignKeyConstraint(
            ["takes_back"], ["defect_name_changes.id"], name=op.f("fk_defect_name_changes_takes_back")
        ),
        sa.UniqueConstraint("takes_back", name=op.f("uq_defect_name_changes_takes_back")),
    )
