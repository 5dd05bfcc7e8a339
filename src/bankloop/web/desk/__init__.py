"""The desks of the bank's people: own work, tasks and customers, the war room, approvals, people, rights, the trail."""

from fastapi import FastAPI

from bankloop.web.desk import (
    approvals,
    attributes,
    audiences,
    audit,
    board,
    care,
    collaboration,
    credits,
    customer,
    daily,
    data,
    holds,
    lineage,
    lists,
    merges,
    models,
    offline,
    own,
    people,
    products,
    remote,
    rights,
    rounds,
    segments,
    targets,
    tiers,
    warroom,
    work,
)


def add_desk(app: FastAPI) -> None:
    """Add the routes."""
    for part in (
        own, offline, work, board, daily, targets, credits, warroom, collaboration, care, remote, lists, customer, audiences, segments,
        attributes, tiers, lineage, data, merges, products, models, rounds, approvals, people, rights, audit, holds,
    ):  # fmt: skip
        part.add_pages(app)


__all__ = ["add_desk"]
