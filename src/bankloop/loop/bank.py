"""An open bank: its folder, its two stores, its catalogue and its files, under one clock. What every step works with.

Every command opens a bank and few compute a state: what a method needs is imported where it is done.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from bankloop.kit.clock import Clock
from bankloop.kit.errors import NotFoundError
from bankloop.kit.later import later
from bankloop.kit.located import nearest_said, read_located
from bankloop.kit.text import Text
from bankloop.lake.service import Lake
from bankloop.organization.principals import system
from bankloop.store.database import Store, ask_bank_wide
from bankloop.store.registry import lake_key

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa
    import pyarrow.compute as pc
    from sqlalchemy import Connection

    from bankloop.customer.consent import Permits
    from bankloop.customer.contracts import Catalogue, State
    from bankloop.customer.overview import Profiles
    from bankloop.customer.segment import NamedCondition
    from bankloop.loop.spec import BankSpec, Campaign
else:
    pa, pc = later("pyarrow"), later("pyarrow.compute")

# Learning reads the days of two rounds and today.
KEPT_STATES = 3
# What models deliver, by attribute.
SCORES = "score"
# The bank's own files by which a customer is shown.
_RULES = ("tiers.yaml", "contribution.yaml", "servicing.yaml")


@dataclass(frozen=True)
class Bank:
    """One bank, open; whoever opened it closes it."""

    folder: Path
    store: Store
    lake: Lake
    clock: Clock
    _states: dict[str, State] = field(default_factory=dict, repr=False)
    _profiles: dict[object, Profiles] = field(default_factory=dict, repr=False)
    _leads: dict[object, pa.Table] = field(default_factory=dict, repr=False)
    _permits: dict[object, Permits] = field(default_factory=dict, repr=False)
    _guard: Lock = field(default_factory=Lock, repr=False)

    @property
    def title(self) -> Text:
        """Return the bank's name as its file says it."""
        named = read_located(self.folder / "bank.yaml").content.get("name") or {}
        return Text(str(named.get("zh", "bankloop")), str(named.get("en", "bankloop")))

    @cached_property
    def catalogue(self) -> Catalogue:
        """Return the attributes, built in and the bank's own."""
        from bankloop.customer.catalogue import read_catalogue

        return read_catalogue(self.folder)

    @cached_property
    def spec(self) -> BankSpec:
        """Return the bank's files, checked."""
        from bankloop.loop.spec import read_bank_spec

        return read_bank_spec(self.folder, self.catalogue.open_types)

    @cached_property
    def definitions(self) -> dict[str, dict[str, Any]]:
        """Return every attribute's definition as a lock keeps it, with what it is computed from."""
        return {
            name: {**body, "uses": sorted(self.catalogue[name].reads)}
            for name, body in self.catalogue.definitions.items()
        }

    def campaign(self, name: str) -> Campaign:
        """Return a campaign's file by name; raise ``NotFoundError`` with the nearest name."""
        if name not in self.spec.campaigns:
            write = f"campaigns/{name}.yaml"
            raise NotFoundError(
                "campaign.unknown",
                Text("没有叫“{name}”的战役；{cure}", "there is no campaign '{name}'; {cure}"),
                name=name,
                cure=nearest_said(name, self.spec.campaigns, Text(f"请先写 {write}", f"write {write}")),
            )
        return self.spec.campaigns[name]

    def segments_named(self, campaign: Campaign) -> dict[str, NamedCondition]:
        """Return the segments that a campaign's audience names, in their active versions; raise for one without."""
        from bankloop.customer.segment import segments_named
        from bankloop.kit.expression import mentions

        if not mentions(campaign.audience):
            return {}
        with self.store.begin(system("segments")) as connection:
            return segments_named(connection, campaign.audience, active=True)

    def audience(self, campaign: Campaign) -> str:
        """Return the condition of a campaign's audience with the segments that it names spelled out."""
        from bankloop.kit.expression import spelled_out

        found = self.segments_named(campaign)
        return spelled_out(campaign.audience, {name: one.condition for name, one in found.items()})

    def knew(self, day: date) -> bool:
        """Return whether the lake holds the customers as they were on a day, not only as they are since."""
        return any(version.as_of <= day for version in self.lake.manifest.versions("customer"))

    def state(self, as_of: date, catalogue: Catalogue | None = None) -> State:
        """Return every person's attributes on a day, by the bank's files or a frozen ``catalogue``.

        Who is one person is as it is known now, whatever the day. The last ones asked for are kept, in memory and
        in the bank's folder.
        """
        from bankloop.customer.keeping import keep_state, kept_state, state_key
        from bankloop.customer.lasting import run_lengths
        from bankloop.customer.state import build_state

        versions, used, leads = self._versions(as_of), catalogue or self.catalogue, self.leads()
        key = state_key(as_of, used.digest, versions, leads)
        if key not in self._states:
            found = kept_state(self._shelf, key=key)
            if found is None:
                given = self._scores(versions, as_of) | run_lengths(used, as_of, self._then)
                found = build_state(self.lake, used, as_of, versions=versions, scores=given, leads=leads)
                keep_state(self._shelf, key, found)
            self._hold(key, found)
        return self._states[key]

    def leads(self) -> pa.Table:
        """Return which number leads each number of a person with several (``LEADS``), as merged now."""
        from bankloop.customer.identity import MEMBERSHIPS
        from bankloop.customer.persons import read_leads

        current = self.lake.manifest.current("customer")
        with self.store.begin(system("state")) as connection:
            (members,) = ask_bank_wide(connection, MEMBERSHIPS)
            key = (members, current.version if current else "")
            found = self._leads.get(key)
            if found is None:
                found = read_leads(connection, self.lake)
                self._leads.clear()
                self._leads[key] = found
        return found

    def allowed(self, connection: Connection, state: State) -> Permits:
        """Return what the customers of a state allow now; kept until somebody says a word or is merged."""
        from bankloop.customer.consent import hearing_asked, permits
        from bankloop.customer.identity import MEMBERSHIPS
        from bankloop.customer.persons import KEY

        hearing, members = ask_bank_wide(connection, hearing_asked(None), MEMBERSHIPS)
        key = (state.digest, members, hearing.heard.high, hearing.heard.count)
        found = self._permits.get(key)
        if found is None:
            found = permits(connection, state.table[KEY])
            self._permits.clear()
            self._permits[key] = found
        return found

    def lead_of(self, number: str) -> str:
        """Return the number by which the state knows whoever has this one."""
        from bankloop.customer.persons import led_numbers

        found: str = led_numbers(pa.chunked_array([[number]], pa.string()), self.leads())[0].as_py()
        return found

    def places_of(self, numbers: pa.ChunkedArray, state: State) -> pa.ChunkedArray:
        """Return the rows (n,) of customers in a state, null for who is not there: by their own number, else by the leading one.

        A state that was kept from before a merge has both.
        """
        from bankloop.customer.persons import KEY, led_numbers

        among = state.table[KEY].combine_chunks()
        own = pc.index_in(numbers, value_set=among)
        return pc.coalesce(own, pc.index_in(led_numbers(numbers, self.leads()), value_set=among))

    def persons(self, purpose: str) -> duckdb.DuckDBPyConnection:
        """Return an engine connection on the lake in which a person is one customer; the caller closes it."""
        from bankloop.customer.persons import persons_connection

        return persons_connection(self.lake, purpose, self.leads())

    def versions_of(self, as_of: date) -> dict[str, str]:
        """Return the lake's versions that a day's state is computed from."""
        return self._versions(as_of)

    def decided_on(self, digest: str, as_of: date) -> State:
        """Return the state that decisions name by its digest, as it was; computed again where it is no longer kept."""
        return self.kept(digest) or self.state(as_of)

    def kept(self, digest: str) -> State | None:
        """Return the state of a digest where it is still kept."""
        from bankloop.customer.keeping import kept_state

        known = next((state for state in self._states.values() if state.digest == digest), None)
        if known is None and (known := kept_state(self._shelf, digest=digest)) is not None:
            self._hold(digest, known)
        return known

    def profiles(self, connection: Connection) -> Profiles:
        """Return every customer as the lake knows them now, with yesterday's attributes; kept until a file or a merge changes them.

        The first time after a load it takes as long as a state; the bank's folder keeps it.
        """
        from bankloop.customer.identity import MEMBERSHIPS
        from bankloop.customer.overview import open_profiles

        files = [self.folder / name for name in _RULES]
        written = tuple(file.stat().st_mtime_ns for file in files if file.exists())
        (members,) = ask_bank_wide(connection, MEMBERSHIPS)
        key = (lake_key(connection), members, written, self.lake.today())
        with self._guard:
            if key not in self._profiles:
                loaded = self.lake.manifest.current("customer") is not None
                state = self.state(self.lake.today() - timedelta(days=1)) if loaded else None
                self._profiles.clear()
                self._profiles[key] = open_profiles(self.lake, state)
            return self._profiles[key]

    def _then(self, day: date, part: Catalogue) -> pa.Table | None:
        """Return attributes of a day that has gone by; None of one that the lake was not there for."""
        from bankloop.customer.state import build_state

        if not self.knew(day):
            return None
        versions, leads = self._versions(day), self.leads()
        scores = self._scores(versions, day)
        return build_state(self.lake, part, day, versions=versions, scores=scores, leads=leads).table

    @property
    def _shelf(self) -> Path:
        return self.folder / "data" / "state"

    def _hold(self, key: str, state: State) -> None:
        while len(self._states) >= KEPT_STATES:
            self._states.pop(next(iter(self._states)))
        self._states[key] = state

    def _versions(self, as_of: date) -> dict[str, str]:
        """The snapshots that were true on the day: of each table the last one not later, or the first there is."""
        from bankloop.customer.contracts import ADDED_UP, PROPERTIES
        from bankloop.customer.relation import EXPOSED

        found = {}
        # Facts without a date of their own are true as of the file that brought them.
        for table in ("customer", *ADDED_UP):
            known = self.lake.manifest.versions(table)
            if known:
                found[table] = next((v for v in reversed(known) if v.as_of <= as_of), known[0]).version
        # What was found later of a day was not known on it.
        for table in (EXPOSED, SCORES):
            before = [version for version in self.lake.manifest.versions(table) if version.as_of <= as_of]
            if before:
                found[table] = before[-1].version
        events = self.lake.manifest.current("event")
        told = self.lake.manifest.current(PROPERTIES)
        found |= {PROPERTIES: told.version} if told else {}
        return {**found, "event": events.version} if events else found

    def _scores(self, versions: Mapping[str, str], as_of: date) -> dict[str, pa.Table]:
        """The scores that the lake itself keeps, by attribute: of a related default, and those that models delivered."""
        from bankloop.customer.contracts import AttributeKind
        from bankloop.customer.relation import EXPOSED

        found = {}
        kept = {EXPOSED: "SELECT customer_no, 'relation_risk' AS attribute, score_ppm AS score FROM {rows}",
                SCORES: "SELECT customer_no, attribute, score_ppm AS score FROM {rows} WHERE scored_on <= '{day}' "
                        "AND coalesce(valid_until, DATE '{day}') >= '{day}'"}  # fmt: skip
        with self.lake.engine() as engine:
            for table, query in kept.items():
                if table not in versions:
                    continue
                rows = self.lake.reading(self.lake.version(table, versions[table]))
                scores = engine.sql(query.format(rows=rows, day=as_of.isoformat())).to_arrow_table()
                for name in pc.unique(scores["attribute"]).to_pylist():
                    if name in self.catalogue and self.catalogue[name].kind is AttributeKind.SCORE:
                        found[name] = scores.filter(pc.equal(scores["attribute"], name))
        return found
