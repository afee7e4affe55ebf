"""The line: station profiles, promotions, several images a trigger, what arrived late, what retention removed."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)
SCORE: sa.Double[float] = sa.Double()
OPTIONAL: tuple[tuple[str, Any], ...] = (
    ("local_pass_limit", SCORE),
    ("local_fail_limit", SCORE),
    ("global_pass_limit", SCORE),
    ("global_fail_limit", SCORE),
    ("bundle_id", sa.String(128)),
    ("image_sha256", sa.String(64)),
)
TRIGGER = ("station_id", "trigger_id")
INDEXES = {
    "ix_inspections_captured": ["station_id", "captured_at"],
    "ix_inspections_image_sha256": ["image_sha256"],
    "ix_inspections_heat_map_sha256": ["heat_map_sha256"],
}


def upgrade() -> None:
    _create_profiles()
    _create_promotions()
    with op.batch_alter_table("inspections") as table:
        # What was recorded before came one image a trigger, in time, by the bundle as it was calibrated.
        for name, kind, default in (
            ("image_number", sa.Integer(), "1"),
            ("arrived_late", sa.Boolean(), sa.false()),
            ("arrived_out_of_order", sa.Boolean(), sa.false()),
            ("profile_version", sa.Integer(), "0"),
        ):
            table.add_column(sa.Column(name, kind, nullable=False, server_default=default))
        table.add_column(sa.Column("crop", sa.JSON(), nullable=True))
        table.add_column(sa.Column("images_removed_at", INSTANT, nullable=True))
        for name, kind in OPTIONAL:
            table.alter_column(name, existing_type=kind, nullable=True)
        table.drop_constraint(op.f("uq_inspections_station_id_trigger_id"), type_="unique")
        table.create_unique_constraint(
            op.f("uq_inspections_station_id_trigger_id_image_number"), [*TRIGGER, "image_number"]
        )
    with op.batch_alter_table("inspections") as table:
        for name in ("image_number", "arrived_late", "arrived_out_of_order", "profile_version"):
            table.alter_column(name, server_default=None)
    for index, columns in INDEXES.items():
        op.create_index(index, "inspections", columns)


def downgrade() -> None:
    for index in INDEXES:
        op.drop_index(index, "inspections")
    with op.batch_alter_table("inspections") as table:
        table.drop_constraint(op.f("uq_inspections_station_id_trigger_id_image_number"), type_="unique")
        table.create_unique_constraint(op.f("uq_inspections_station_id_trigger_id"), [*TRIGGER])
        for name, kind in OPTIONAL:
            table.alter_column(name, existing_type=kind, nullable=False)
        for name in (
            "image_number",
            "arrived_late",
            "arrived_out_of_order",
            "profile_version",
            "crop",
            "images_removed_at",
        ):
            table.drop_column(name)
    for name in ("promotions", "station_profiles"):
        op.drop_table(name)


def _create_profiles() -> None:
    op.create_table(
        "station_profiles",
        sa.Column("id", ID, nullable=False),
        sa.Column("station_id", ID, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("author", sa.String(128), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("profile", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_station_profiles")),
        sa.ForeignKeyConstraint(["station_id"], ["stations.id"], name=op.f("fk_station_profiles_station_id")),
        sa.UniqueConstraint("station_id", "version", name=op.f("uq_station_profiles_station_id_version")),
    )


def _create_promotions() -> None:
    op.create_table(
        "promotions",
        sa.Column("id", ID, nullable=False),
        sa.Column("bundle_id", sa.String(128), nullable=False),
        sa.Column("author", sa.String(128), nullable=False),
        sa.Column("promoted_at", INSTANT, nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_promotions")),
    )
