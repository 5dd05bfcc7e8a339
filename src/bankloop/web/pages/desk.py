"""Every page of the desks: each noun's folder adds its own routes."""

from __future__ import annotations

from fastapi import FastAPI

from bankloop.web.pages.agreements import routes as agreements
from bankloop.web.pages.approvals import routes as approvals
from bankloop.web.pages.attributes import routes as attributes
from bankloop.web.pages.audiences import routes as audiences
from bankloop.web.pages.audiences import segments
from bankloop.web.pages.audit import routes as audit
from bankloop.web.pages.benefits import routes as benefits
from bankloop.web.pages.board import routes as board
from bankloop.web.pages.bringing import campaign as first_campaign
from bankloop.web.pages.bringing import routes as bringing
from bankloop.web.pages.calendar import routes as calendar
from bankloop.web.pages.care import routes as care
from bankloop.web.pages.channels import routes as channels
from bankloop.web.pages.codes import entry
from bankloop.web.pages.codes import routes as codes
from bankloop.web.pages.collaboration import routes as collaboration
from bankloop.web.pages.credits import routes as credits
from bankloop.web.pages.customers import needs, proposals
from bankloop.web.pages.customers import routes as customers
from bankloop.web.pages.daily import routes as daily
from bankloop.web.pages.data import lineage
from bankloop.web.pages.data import routes as data
from bankloop.web.pages.escalations import routes as escalations
from bankloop.web.pages.events import routes as events
from bankloop.web.pages.holds import routes as holds
from bankloop.web.pages.journeys import routes as journeys
from bankloop.web.pages.lists import routes as lists
from bankloop.web.pages.merges import routes as merges
from bankloop.web.pages.models import routes as models
from bankloop.web.pages.people import person, rights
from bankloop.web.pages.people import routes as people
from bankloop.web.pages.points import routes as points
from bankloop.web.pages.products import bundles
from bankloop.web.pages.products import routes as products
from bankloop.web.pages.remote import routes as remote
from bankloop.web.pages.rounds import routes as rounds
from bankloop.web.pages.simulated import routes as simulated
from bankloop.web.pages.slots import routes as slots
from bankloop.web.pages.solutions import routes as solutions
from bankloop.web.pages.targets import routes as targets
from bankloop.web.pages.tiers import routes as tiers
from bankloop.web.pages.triggers import routes as triggers
from bankloop.web.pages.triggers import rules
from bankloop.web.pages.warroom import routes as warroom
from bankloop.web.pages.workbench import offline, own
from bankloop.web.pages.workbench import routes as workbench

# In this order: a fixed address stands before one of which a part varies.
PAGES = (
    own,
    offline,
    workbench,
    escalations,
    board,
    daily,
    journeys,
    targets,
    credits,
    codes,
    entry,
    warroom,
    collaboration,
    care,
    remote,
    lists,
    customers,
    needs,
    proposals,
    audiences,
    segments,
    attributes,
    tiers,
    points,
    benefits,
    bringing,
    first_campaign,
    lineage,
    data,
    events,
    rules,
    triggers,
    merges,
    bundles,
    products,
    calendar,
    channels,
    slots,
    solutions,
    models,
    rounds,
    approvals,
    agreements,
    people,
    person,
    rights,
    audit,
    holds,
    simulated,
)


def add_desk(app: FastAPI) -> None:
    """Add the routes."""
    for page in PAGES:
        page.add_pages(app)
