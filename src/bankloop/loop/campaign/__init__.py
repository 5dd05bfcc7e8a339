"""A campaign from its file to what may run: edited, submitted as a lock, consented to, launched, in force, narrowed by branches."""
