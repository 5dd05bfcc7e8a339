"""The same assignment by general solvers: HiGHS, and PDLP from OR-Tools. Each in a process of its own.

Both are tools of development, and their libraries cannot live in one process: each brings its own HiGHS.
"""

from __future__ import annotations

import importlib.util
import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from bankloop.loop.reach import Problem

TIME_LIMIT = 120.0
_PDLP_ACCURACY = 1e-6

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Program:
    """The relaxation as others want it: min −value·x, matrix·x ≤ limit, 0 ≤ x ≤ 1; one x per open pair."""

    value: Floats
    matrix: Any
    limit: Floats


def program_of(problem: Problem) -> Program:
    """Return the linear program of an assignment: one row per customer, then one per resource."""
    rows, columns = np.nonzero(np.isfinite(problem.value))
    entries = np.arange(rows.size)
    data, limits = [np.ones(rows.size)], [np.ones(len(problem.value))]
    row: list[NDArray[np.integer]] = [rows]
    at = len(problem.value)
    for family in problem.families:
        group = np.zeros(rows.size, np.int64) if family.group is None else family.group[rows]
        data.append(family.takes(rows, columns))
        row.append(at + group)
        limits.append(family.limit)
        at += len(family.limit)
    where = (np.concatenate(row), np.tile(entries, len(data)))
    matrix = sparse.csc_matrix((np.concatenate(data), where), shape=(at, rows.size))
    matrix.eliminate_zeros()
    return Program(problem.value[rows, columns].astype(np.float64), matrix, np.concatenate(limits))


def compare(problem: Problem, seconds: float) -> dict[str, dict[str, float | None]]:
    """Return each solver's seconds, objective and seconds as a multiple of ours; None where it did not finish."""
    program = program_of(problem)
    return {
        "highs": _apart(_highs, "highspy", program, seconds),
        "pdlp": _apart(_pdlp, "ortools", program, seconds),
    }


def not_compared() -> dict[str, dict[str, float | None]]:
    """Return the same keys where the instance is too large for a general solver."""
    return {name: {"seconds": None, "objective": None, "ratio": None} for name in ("highs", "pdlp")}


def _apart(solver: Any, package: str, program: Program, ours: float) -> dict[str, float | None]:
    if importlib.util.find_spec(package) is None:
        return {"seconds": None, "objective": None, "ratio": None}
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        taken, objective = pool.submit(solver, program).result()
    return {"seconds": round(taken, 3), "objective": objective, "ratio": round(taken / ours, 1)}


def _highs(program: Program) -> tuple[float, float | None]:
    import highspy

    model: Any = highspy.Highs  # what it ships is half typed
    model = model()
    model.setOptionValue("output_flag", False)
    model.setOptionValue("time_limit", TIME_LIMIT)
    lp = highspy.HighsLp()
    lp.num_row_, lp.num_col_ = program.matrix.shape
    lp.col_cost_ = -program.value
    lp.col_lower_, lp.col_upper_ = np.zeros(lp.num_col_), np.ones(lp.num_col_)
    lp.row_lower_, lp.row_upper_ = np.full(lp.num_row_, -highspy.kHighsInf), program.limit
    lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    lp.a_matrix_.start_ = program.matrix.indptr
    lp.a_matrix_.index_ = program.matrix.indices
    lp.a_matrix_.value_ = program.matrix.data
    model.passModel(lp)
    began = time.perf_counter()
    model.run()
    taken = time.perf_counter() - began
    optimal = model.getModelStatus() == highspy.HighsModelStatus.kOptimal
    return taken, -float(model.getObjectiveValue()) if optimal else None


def _pdlp(program: Program) -> tuple[float, float | None]:
    from ortools.pdlp import solve_log_pb2, solvers_pb2
    from ortools.pdlp.python import pdlp

    rows, columns = program.matrix.shape
    quadratic = pdlp.QuadraticProgram()
    quadratic.resize_and_initialize(columns, rows)
    quadratic.objective_vector = -program.value
    quadratic.constraint_matrix = program.matrix
    quadratic.constraint_lower_bounds, quadratic.constraint_upper_bounds = np.full(rows, -np.inf), program.limit
    quadratic.variable_lower_bounds, quadratic.variable_upper_bounds = np.zeros(columns), np.ones(columns)
    wanted = solvers_pb2.PrimalDualHybridGradientParams()
    wanted.termination_criteria.time_sec_limit = TIME_LIMIT
    wanted.termination_criteria.simple_optimality_criteria.eps_optimal_relative = _PDLP_ACCURACY
    began = time.perf_counter()
    answer = pdlp.primal_dual_hybrid_gradient(quadratic, wanted)
    taken = time.perf_counter() - began
    optimal = answer.solve_log.termination_reason == solve_log_pb2.TERMINATION_REASON_OPTIMAL
    return taken, float(program.value @ np.asarray(answer.primal_solution)) if optimal else None
