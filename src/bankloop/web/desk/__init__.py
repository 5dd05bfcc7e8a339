"""The desks of the bank's people: own tasks and customers, approvals, organization and people, rights, the trail."""

from fastapi import FastAPI

from bankloop.web.desk import approvals, audit, customer, models, own, people, products, rights, rounds


def add_desk(app: FastAPI) -> None:
    """Add the routes."""
    for part in (own, customer, products, models, rounds, approvals, people, rights, audit):
        part.add_pages(app)


__all__ = ["add_desk"]
