"""The chain of migrations, run by ``open_store`` in one transaction under an advisory lock."""
