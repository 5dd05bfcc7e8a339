"""The operational store on PostgreSQL: what happened, what was decided, what is queued, what was done by whom.

It opens the database (embedded or given), migrates it and hands out transactions in which a named principal acts under
a role with row-level security. It knows tables, not rules: it never judges a campaign, a customer or an action, and
nothing of it is imported but this door.
"""
