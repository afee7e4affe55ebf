"""Who a person is at a provider of single sign-on; how sessions began, and when the provider is asked again."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0007"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MEANS = sa.Enum(
    "password", "link", "single sign-on", name="means", native_enum=False, length=16, create_constraint=True
)


def upgrade() -> None:
    op.create_table(
        "oidc_identities",
        sa.Column("id", ID, nullable=False),
        sa.Column("issuer", sa.String(255), nullable=False),
        sa.Column("subject", sa.String(255), nullable=False),
        sa.Column("person_id", ID, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_oidc_identities")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_oidc_identities_person_id")),
        sa.UniqueConstraint("issuer", "subject", name=op.f("uq_oidc_identities_issuer_subject")),
    )
    op.create_index("ix_oidc_identities_person_id", "oidc_identities", ["person_id"])
    with op.batch_alter_table("person_sessions") as sessions:
        sessions.add_column(sa.Column("means", MEANS, nullable=True))
        sessions.add_column(sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("person_sessions") as sessions:
        sessions.drop_constraint(op.f("ck_person_sessions_means"), type_="check")
        sessions.drop_column("ends_at")
        sessions.drop_column("means")
    op.drop_table("oidc_identities")
