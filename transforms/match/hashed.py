"""Pictures that meet by their hashes, in a file an owner that every pass maps.

To gather them anew from the columns of all files costs 20 ns a row and pass, and there are the more passes the more rows there are.
"""

from collections.abc import Iterator

import numpy as np

from transforms.match import keys
from transforms.match.identity import pictures_that_stand
from transforms.match.plan import Plan


def save(plan: Plan, owner: int) -> Iterator[int]:
    """Owner, once it is known for which rows others stand -> a file, uint64[n, 1 + views]: words of `keys` and hashes, by row."""
    rows = pictures_that_stand(plan, owner, plan.rows.read(owner, ["has_hashes"])["has_hashes"])
    columns = plan.rows.read(owner, ["picture_id", "picture_hashes"], rows)
    words = keys.picture_words(columns["picture_id"], rows)
    words[rows >= plan.own - (owner << plan.owner_bits)] |= keys.ELDER
    plan.save(np.column_stack([words, columns["picture_hashes"].view("<u8")]), "hashed", owner)
    yield owner


def read(plan: Plan, owner: int) -> np.ndarray:
    """What `save` wrote."""
    return plan.look("hashed", owner)
