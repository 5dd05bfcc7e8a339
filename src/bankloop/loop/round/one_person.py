"""A person in a round: decided on under two numbers before they were merged, they are one, by the first decision.

Which decision was first does not depend on what followed, so that the comparison stays as chance made it. What happened
under any of the person's numbers happened to them.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bankloop.customer.persons import led_numbers

_NUMBER = "customer_no"


def first_of_persons(decisions: pa.Table, leads: pa.Table) -> pa.Table:
    """Return each person's first decision; of one window that of the leading number, else the first as they stand."""
    numbers = decisions[_NUMBER]
    persons = led_numbers(numbers, leads)
    if len(pc.unique(persons)) == decisions.num_rows:
        return decisions
    window = np.asarray(decisions["window_start"].cast(pa.int32()).to_numpy())
    other = np.asarray(pc.not_equal(numbers, persons).to_numpy(zero_copy_only=False))
    order = np.lexsort((np.arange(decisions.num_rows), other, window))
    _, person = np.unique(np.array(persons.to_pylist(), dtype=str), return_inverse=True)
    _, first = np.unique(person[order], return_index=True)
    return decisions.take(pa.array(np.sort(order[first]))).combine_chunks()


def as_decided(rows: pa.Table, decisions: pa.Table, leads: pa.Table) -> pa.Table:
    """Return ``rows`` about customers under the number by which ``decisions`` know the person of each."""
    if not leads.num_rows:
        return rows
    persons = led_numbers(decisions[_NUMBER], leads)
    place = pc.index_in(led_numbers(rows[_NUMBER], leads), value_set=persons.combine_chunks())
    known = pc.coalesce(decisions[_NUMBER].take(place), rows[_NUMBER])
    return rows.set_column(rows.column_names.index(_NUMBER), rows.schema.field(_NUMBER), known)
