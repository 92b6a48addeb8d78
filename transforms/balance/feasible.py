"""Whether weights within bounds can meet the targets at all, proved by linear programming, and by how much they cannot."""

from typing import Any

import numpy as np

from transforms.balance.calibrate import Problem

# HiGHS is asked for 1e-10, the strictest it takes; a deviation it finds below this is none.
NONE = 1e-9
_OPTIONS = {"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10}


def least_deviation(problem: Problem) -> tuple[float, list[np.ndarray]]:
    """Finds the smallest possible greatest deviation of a level from its target, relative to the target (or to one row, if larger).

    Returns:
      The deviation, 0.0 exactly when the targets can be met; and per margin float64[levels], the signed deviations of one optimum.

    >>> impossible = Problem(np.array([90.0, 10.0]), [np.array([0, 1])], [np.array([50.0, 50.0])], (0.5, 3.0))
    >>> round(least_deviation(impossible)[0], 3)  # 10 rows at weight 3 are 30 of 50
    0.4
    """
    matrix, wanted = _system(problem)
    cells = len(problem.rows)
    slack = _column(-np.ones(len(wanted)))
    found = _minimise(
        objective=np.r_[np.zeros(cells), 1.0],
        upper=_stack([[matrix, slack], [-matrix, slack]]),
        limits=np.r_[wanted, -wanted],
        bounds=[problem.bounds] * cells + [(0, None)],
    )
    if found is None:
        raise AssertionError("a linear programme with a free slack has a solution")
    deviations = matrix @ found[:cells] - wanted
    edges = np.cumsum([len(target) for target in problem.targets])[:-1]
    least = float(found[-1])
    return (0.0 if least <= NONE else least), np.split(deviations, edges)


def least_bound(problem: Problem) -> float | None:
    """Finds the smallest greatest weight with which the targets can be met; None where no greatest weight is enough."""
    from scipy.sparse import identity

    matrix, wanted = _system(problem)
    cells = len(problem.rows)
    found = _minimise(
        objective=np.r_[np.zeros(cells), 1.0],
        upper=_stack([[identity(cells), _column(-np.ones(cells))]]),
        limits=np.zeros(cells),
        bounds=[(problem.bounds[0], None)] * cells + [(0, None)],
        equal=(_stack([[matrix, _column(np.zeros(len(wanted)))]]), wanted),
    )
    return None if found is None else float(found[-1])


def nearest(problem: Problem, weights: np.ndarray) -> np.ndarray | None:
    """Finds the weights within bounds that meet the targets and whose greatest distance to the given ones is smallest."""
    from scipy.sparse import identity

    matrix, wanted = _system(problem)
    cells = len(problem.rows)
    slack = _column(-np.ones(cells))
    found = _minimise(
        objective=np.r_[np.zeros(cells), 1.0],
        upper=_stack([[identity(cells), slack], [-identity(cells), slack]]),
        limits=np.r_[weights, -weights],
        bounds=[problem.bounds] * cells + [(0, None)],
        equal=(_stack([[matrix, _column(np.zeros(len(wanted)))]]), wanted),
    )
    return None if found is None else found[:cells]


def _system(problem: Problem) -> tuple[Any, np.ndarray]:
    """Sparse matrix[levels of all margins, cells] and right side, each line divided by its target."""
    from scipy.sparse import csr_matrix

    offset, lines, values, wanted = 0, [], [], []
    for member, target in zip(problem.members, problem.targets, strict=True):
        scale = np.maximum(target, 1.0)
        lines.append(member + offset)
        values.append(problem.rows / scale[member])
        wanted.append(target / scale)
        offset += len(target)
    cells = np.tile(np.arange(len(problem.rows)), len(problem.members))
    return csr_matrix((np.concatenate(values), (np.concatenate(lines), cells)), shape=(offset, len(problem.rows))), np.concatenate(wanted)


def _minimise(objective: np.ndarray, upper: Any, limits: np.ndarray, bounds: list, equal: tuple[Any, np.ndarray] | None = None) -> Any:
    from scipy.optimize import linprog

    matrix, wanted = equal if equal is not None else (None, None)
    found = linprog(objective, upper, limits, matrix, wanted, bounds=bounds, method="highs", options=_OPTIONS)
    return found.x if found.status == 0 else None


def _stack(blocks: list) -> Any:
    from scipy.sparse import bmat

    return bmat(blocks, format="csr")


def _column(values: np.ndarray) -> Any:
    from scipy.sparse import csr_matrix

    return csr_matrix(values[:, None])
