"""What was taken down of earlier releases, or was illegal in them, binds later rows: what is kept of it are lists of opt-outs."""

from collections.abc import Iterable

from schemas.layout import Layout
from transforms.filters.base import Filter
from transforms.filters.opt_out import OptOut
from transforms.storage import exists


def with_removals(filters: Iterable[Filter], earlier: Iterable[Layout]) -> tuple[Filter, ...]:
    """Filters that refuse what was taken down of these releases or illegal in them: signatures of it are emptied, and bind no copy."""
    ledgers = [path for layout in earlier for path in (layout.removals, layout.illegal) if exists(path)]
    return tuple(
        rule.model_copy(update={"lists": (*rule.lists, *(path for path in ledgers if path not in rule.lists))})
        if ledgers and isinstance(rule, OptOut)
        else rule
        for rule in filters
    )
