"""Where Alembic meets the connection that ``store.schema`` hands over; there is no offline mode."""

from alembic import context

context.configure(connection=context.config.attributes["connection"], transactional_ddl=True)
context.run_migrations()
