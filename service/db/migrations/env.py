"""Run by Alembic: migrate the connection that `service.db.migrate` hands over."""

from alembic import context

from service.db.metadata import all_tables

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=all_tables(),
    transactional_ddl=True,
    render_as_batch=True,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
