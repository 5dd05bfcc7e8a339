"""What crosses the door of relations: kinds of edges, the graph in arrays, steps and paths, what a default reaches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from bankloop.kit.text import Text

Ints = NDArray[np.int64]
Small = NDArray[np.int32]


class EdgeKind(StrEnum):
    """How two parties are related; the order is the code in the arrays."""

    FAMILY = "family"
    EMPLOYS = "employs"
    LEGAL_REPRESENTATIVE = "legal_representative"
    SHAREHOLDER = "shareholder"
    GUARANTOR = "guarantor"
    FUND_FLOW = "fund_flow"
    REFERRAL = "referral"
    SHARED_DEVICE = "shared_device"
    JOINT_ACCOUNT = "joint_account"


KINDS = tuple(EdgeKind)
TITLES: Mapping[EdgeKind, Text] = {
    EdgeKind.FAMILY: Text("家庭", "family"),
    EdgeKind.EMPLOYS: Text("雇佣", "employs"),
    EdgeKind.LEGAL_REPRESENTATIVE: Text("法定代表人", "legal representative"),
    EdgeKind.SHAREHOLDER: Text("股东", "shareholder"),
    EdgeKind.GUARANTOR: Text("担保", "guarantor"),
    EdgeKind.FUND_FLOW: Text("资金往来", "flow of funds"),
    EdgeKind.REFERRAL: Text("推荐", "referral"),
    EdgeKind.SHARED_DEVICE: Text("共用设备", "shared device"),
    EdgeKind.JOINT_ACCOUNT: Text("共用账户", "joint account"),
}


@dataclass(frozen=True)
class Graph:
    """All relations as arrays: ``nodes`` (n,) numbers in order; of node i the entries ``start[i]:start[i+1]``.

    An entry has the neighbour ``other``, the ``edge`` it belongs to and the edge's ``kind``; every edge has two entries, so
    that it can be walked from both ends. ``edges`` has the rows themselves, ``a`` and ``b`` (m,) their ends' places.
    """

    nodes: pa.Array
    start: Ints
    other: Small
    edge: Small
    kind: NDArray[np.int8]
    edges: pa.Table
    a: Small
    b: Small

    @property
    def degree(self) -> Ints:
        """Return (n,) how many relations each party has."""
        return np.diff(self.start)


@dataclass(frozen=True, slots=True)
class PathStep:
    """One edge of a path as it is walked: from whom to whom, how they are related, since when, by what evidence."""

    from_no: str
    to_no: str
    kind: EdgeKind
    forward: bool
    since: date | None
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Exposure:
    """How far a default reaches a party: ppm of it, and the way it came, from the defaulted one on."""

    customer_no: str
    score: int
    steps: tuple[PathStep, ...]


@dataclass(frozen=True, slots=True)
class Derived:
    """What deriving relations found: edges by kind, and parties whom a default reaches."""

    edges: Mapping[str, int]
    exposed: int


@dataclass(frozen=True, slots=True)
class AlsoServed:
    """One number that another line keeps: the customer's own ('' as ``kind``) or one to whom a relation leads."""

    customer_no: str
    line: str
    unit_id: str
    kind: str
