"""Clusters of the whole bank: learned on what is known now, each kept as a segment titled by what sets it apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from bankloop.customer.contracts import Catalogue
from bankloop.customer.segment import Clustering, Profile, SegmentVersion, describe, learn_clusters, save_clusters
from bankloop.kit.text import Text
from bankloop.web.shell.console import Console

# The same people give the same clusters.
_SEED = 20260101


@dataclass(frozen=True, slots=True)
class LearnedClusters:
    """A clustering, and its clusters in words with how many are in each."""

    clustering: Clustering
    profiles: tuple[Profile, ...]


def learn(console: Console, names: Sequence[str], count: int) -> LearnedClusters:
    """Return ``count`` clusters of all customers by attributes; raises as ``segment.learn_clusters``."""
    people = console.people_now()
    types = {name: console.bank.catalogue[name].type for name in names}
    found = learn_clusters(people.table, names, types, count, _SEED)
    return LearnedClusters(found, describe(found, found.assign(people.table)))


def keep(connection: Connection, console: Console, name: str, learned: LearnedClusters) -> list[SegmentVersion]:
    """Keep each cluster as a segment."""
    titles = [_title(one, console.bank.catalogue) for one in learned.profiles]
    return save_clusters(connection, console.bank.catalogue, name, titles, learned.clustering)


def _title(one: Profile, catalogue: Catalogue) -> Text:
    """Return a cluster's title: what sets it apart, the strongest first."""
    told = one.telling[:2]
    zh = "、".join(catalogue[name].label.zh + ("高" if value > 0 else "低") for name, value in told)
    en = ", ".join(("high " if value > 0 else "low ") + catalogue[name].label.en.lower() for name, value in told)
    return Text(zh or f"第 {one.index + 1} 类：居中", en or f"Cluster {one.index + 1}: the middle")
