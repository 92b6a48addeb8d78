"""What was taken down of earlier releases binds later rows: their ledgers of removals are lists of opt-outs."""

from collections.abc import Iterable

from schemas.layout import Layout
from transforms.filters.base import Filter
from transforms.filters.opt_out import OptOut
from transforms.storage import exists


def with_removals(filters: Iterable[Filter], earlier: Iterable[Layout]) -> tuple[Filter, ...]:
    """Filters that refuse what was taken down of these releases; their signatures of it are emptied, and bind nothing any more."""
    ledgers = [layout.removals for layout in earlier if exists(layout.removals)]
    return tuple(
        rule.model_copy(update={"lists": (*rule.lists, *(path for path in ledgers if path not in rule.lists))})
        if ledgers and isinstance(rule, OptOut)
        else rule
        for rule in filters
    )
