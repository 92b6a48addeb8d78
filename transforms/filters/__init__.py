"""Every installed filter, found by name: ours in this package, others through the entry-point group `winnow.filters`."""

import functools
import importlib
import importlib.metadata
import pkgutil
from collections.abc import Mapping
from types import MappingProxyType

from schemas.errors import JobError
from schemas.versions import FILTERS as ENTRY_POINTS
from transforms.filters.base import Filter


@functools.cache
def filter_types() -> Mapping[str, type[Filter]]:
    """Name -> filter class, sorted by name.

    Raises:
      JobError: two filters share a name, or an entry point cannot be loaded or is no filter.
    """
    found: dict[str, type[Filter]] = {}
    for module in pkgutil.iter_modules(__path__):
        loaded = importlib.import_module(f"{__name__}.{module.name}")
        for kind in vars(loaded).values():
            if isinstance(kind, type) and issubclass(kind, Filter) and kind.__module__ == loaded.__name__ and hasattr(kind, "name"):
                _add(found, kind)
    for entry in importlib.metadata.entry_points(group=ENTRY_POINTS):
        try:
            kind = entry.load()
        except (AttributeError, ImportError) as error:
            told = f"entry point {entry.name} = {entry.value} of group {ENTRY_POINTS} cannot be loaded ({error})"
            raise JobError(f"{told}: mend its package or uninstall it") from error
        if not (isinstance(kind, type) and issubclass(kind, Filter)):
            raise JobError(
                f"entry point {entry.name} = {entry.value} of group {ENTRY_POINTS} is not a filter: it must be a subclass of Filter"
            )
        _add(found, kind)
    return MappingProxyType(dict(sorted(found.items())))


def in_reading_order(filters: Mapping[str, Filter]) -> list[Filter]:
    """Filters so ordered that each comes after those whose measures it reads; otherwise by name."""
    done: dict[str, Filter] = {}

    def visit(name: str, waiting: tuple[str, ...]) -> None:
        if name in waiting:
            raise JobError(f"filters read each other in a circle: {' -> '.join([*waiting, name])}")
        if name not in done:
            for other in filters[name].reads:
                visit(other, (*waiting, name))
            done[name] = filters[name]

    for name in sorted(filters):
        visit(name, ())
    return list(done.values())


def _add(found: dict[str, type[Filter]], kind: type[Filter]) -> None:
    if found.setdefault(kind.name, kind) is not kind:
        raise JobError(f"two filters are called {kind.name}: {found[kind.name].__module__} and {kind.__module__}; uninstall one")
