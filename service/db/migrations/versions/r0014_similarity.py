"""How much a part looks like the examples of the name that is suggested for it."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("waiting_parts", sa.Column("suggested_similarity", sa.Double(), nullable=True))


def downgrade() -> None:
    op.drop_column("waiting_parts", "suggested_similarity")
