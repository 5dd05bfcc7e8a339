"""All numbers of a person: asked for one, for a copied table of many, and locked in their order.

Whoever counts a person's contacts and whoever writes down what a person said wait for each other here.
"""

from __future__ import annotations

from sqlalchemy import Connection, text

from bankloop.store.questions import Question, ask

# All numbers of whoever is in a copied table: the gate and a word wait for each other by person.
_PEOPLE = """
WITH asked AS (SELECT DISTINCT coalesce(p.party_no, i.customer_no) AS person FROM {name} i
    LEFT JOIN party_member p ON p.customer_no = i.customer_no AND p.valid_to IS NULL {where}),
numbers AS (SELECT person AS customer_no FROM asked UNION SELECT p.customer_no FROM asked
    JOIN party_member p ON p.party_no = person AND p.valid_to IS NULL)
"""
_NUMBERS = (
    b"WITH own AS (SELECT coalesce((SELECT party_no FROM party_member WHERE customer_no = %(number)s AND valid_to IS NULL), "
    b"%(number)s) AS person) SELECT person FROM own UNION SELECT p.customer_no FROM own JOIN party_member p "
    b"ON p.party_no = own.person AND p.valid_to IS NULL ORDER BY 1"
)

# Memberships are only added and ended: the two counts tell whether any was.
MEMBERSHIPS: Question[tuple[int, int]] = Question(
    b"SELECT count(*), count(*) FILTER (WHERE valid_to IS NOT NULL) FROM party_member",
    lambda rows: (rows[0][0], rows[0][1]),
)


def joined_person(alias: str, name: str = "p") -> str:
    """Return the join that gives the rows of ``alias`` their person: ``coalesce(p.party_no, alias.customer_no)``."""
    return f"LEFT JOIN party_member {name} ON {name}.customer_no = {alias}.customer_no AND {name}.valid_to IS NULL"


def joined_numbers(alias: str) -> str:
    """Return the join that gives the rows of ``alias`` all numbers of theirs: ``coalesce(o.customer_no, alias.customer_no)``."""
    return f"{joined_person(alias)} LEFT JOIN party_member o ON o.party_no = p.party_no AND o.valid_to IS NULL"


def people_of(name: str, where: str = "") -> str:
    """Return the head of a query that knows, as ``numbers``, all numbers of the people of a copied table."""
    return _PEOPLE.format(name=name, where=where)


def lock_people(connection: Connection, name: str, where: str = "") -> None:
    """Lock the people of a copied table at the gate, in the order of their numbers, until the transaction ends."""
    people = people_of(name, where)
    connection.execute(
        text(f"{people} INSERT INTO contact_customer SELECT customer_no FROM numbers ORDER BY 1 ON CONFLICT DO NOTHING")
    )
    connection.execute(
        text(
            f"SELECT count(*) FROM (SELECT FROM contact_customer WHERE customer_no IN ({people} SELECT customer_no "
            "FROM numbers) ORDER BY customer_no FOR UPDATE) AS locked"
        )
    )


def numbers_of(connection: Connection, number: str) -> list[str]:
    """Return all numbers of the person who has this one, now."""
    return ask(connection, numbers_asked(number))


def numbers_asked(number: str) -> Question[list[str]]:
    """Return the question for all numbers of the person who has this one, now."""
    return Question(_NUMBERS, lambda rows: [row[0] for row in rows], {"number": number})
