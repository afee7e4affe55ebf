"""Nights: their steps, the golden set, pictures kept out of training, lineages of bundles, parts scored again."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0008"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)
NAME = sa.String(128)
SHA256 = sa.String(64)
STATES = "state IN ('waiting', 'running', 'shadow', 'awaiting', 'promoted', 'kept')"
REASONS = (
    "reason IN ('no_new_images', 'no_champion', 'trainer_lost', 'trainer_refused', 'disk_full', 'budget_spent', "
    "'gate_failed', 'gate_undecided', 'shadow_failed', 'outdated', 'declined', 'store_failing', 'internal')"
)
VERDICTS = "verdict IN ('PASS', 'HOLD', 'FAIL')"


def upgrade() -> None:
    _create_nights()
    _create_changes(
        "golden_changes",
        sa.Column("is_golden", sa.Boolean(), nullable=False),
        sa.Column("defect", sa.String(64), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
    )
    _create_changes(
        "kept_out_changes",
        sa.Column("is_kept_out", sa.Boolean(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
    )
    _create_lineages()
    _create_rescored()


def downgrade() -> None:
    for name in ("rescored_parts", "bundle_lineages", "kept_out_changes", "golden_changes", "night_steps", "nights"):
        op.drop_table(name)


def _create_nights() -> None:
    op.create_table(
        "nights",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", NAME, nullable=False),
        sa.Column("line", NAME, nullable=False),
        sa.Column("asked_by", NAME, nullable=False),
        sa.Column("asked_at", INSTANT, nullable=False),
        sa.Column("minutes", sa.Double(), nullable=False),
        sa.Column("began_at", INSTANT, nullable=True),
        sa.Column("ended_at", INSTANT, nullable=True),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("reason", sa.String(32), nullable=True),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("champion_id", NAME, nullable=True),
        sa.Column("challenger_id", NAME, nullable=True),
        sa.Column("figures", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_nights")),
        sa.UniqueConstraint("name", name=op.f("uq_nights_name")),
        sa.CheckConstraint(STATES, name=op.f("ck_nights_state")),
        sa.CheckConstraint(REASONS, name=op.f("ck_nights_reason")),
    )
    op.create_index("ix_nights_line", "nights", ["line", "id"])
    op.create_table(
        "night_steps",
        sa.Column("id", ID, nullable=False),
        sa.Column("night_id", ID, nullable=False),
        sa.Column("step", sa.String(32), nullable=False),
        sa.Column("began_at", INSTANT, nullable=False),
        sa.Column("ended_at", INSTANT, nullable=True),
        sa.Column("figures", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_night_steps")),
        sa.ForeignKeyConstraint(["night_id"], ["nights.id"], name=op.f("fk_night_steps_night_id")),
        sa.UniqueConstraint("night_id", "step", name=op.f("uq_night_steps_night_id_step")),
    )


def _create_changes(name: str, *columns: sa.Column[object]) -> None:
    op.create_table(
        name,
        sa.Column("id", ID, nullable=False),
        sa.Column("image_sha256", SHA256, nullable=False),
        sa.Column("inspection_id", ID, nullable=False),
        *columns,
        sa.Column("author", NAME, nullable=False),
        sa.Column("changed_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{name}")),
        sa.ForeignKeyConstraint(["inspection_id"], ["inspections.id"], name=op.f(f"fk_{name}_inspection_id")),
    )
    op.create_index(f"ix_{name}_image_sha256", name, ["image_sha256"])
    op.create_index(f"ix_{name}_inspection_id", name, ["inspection_id"])


def _create_lineages() -> None:
    op.create_table(
        "bundle_lineages",
        sa.Column("id", ID, nullable=False),
        sa.Column("bundle_id", NAME, nullable=False),
        sa.Column("parent_id", NAME, nullable=True),
        sa.Column("night", NAME, nullable=True),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.Column("images_sha256", SHA256, nullable=False),
        sa.Column("image_count", sa.Integer(), nullable=False),
        sa.Column("recipe", sa.Text(), nullable=False),
        sa.Column("teacher", sa.Text(), nullable=True),
        sa.Column("gate", sa.JSON(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bundle_lineages")),
        sa.UniqueConstraint("bundle_id", name=op.f("uq_bundle_lineages_bundle_id")),
    )


def _create_rescored() -> None:
    op.create_table(
        "rescored_parts",
        sa.Column("id", ID, nullable=False),
        sa.Column("inspection_id", ID, nullable=False),
        sa.Column("bundle_id", NAME, nullable=False),
        sa.Column("verdict", sa.String(8), nullable=False),
        sa.Column("part_score", sa.Double(), nullable=True),
        sa.Column("rescored_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rescored_parts")),
        sa.ForeignKeyConstraint(["inspection_id"], ["inspections.id"], name=op.f("fk_rescored_parts_inspection_id")),
        sa.UniqueConstraint("inspection_id", "bundle_id", name=op.f("uq_rescored_parts_inspection_id_bundle_id")),
        sa.CheckConstraint(VERDICTS, name=op.f("ck_rescored_parts_verdict")),
    )
