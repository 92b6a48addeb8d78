"""What a reader sees of the record: sections of paragraphs, tables and charts, with every number already written out."""

import dataclasses
from collections.abc import Sequence
from typing import Any

SUPPRESSED = "suppressed"
ABSENT = "–"


@dataclasses.dataclass(frozen=True)
class Table:
    """A table of texts.

    Attributes:
      title: what it shows.
      columns: heads; a head that ends in "#" is a column of numbers, set flush right.
      rows: texts, one per column.
      note: how the numbers were computed.
      folded: shown only when asked for, where a page can.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""
    folded: bool = False

    @property
    def narrow(self) -> bool:
        """Whether it fits half a page."""
        return len(self.columns) <= 4 and all(len(cell) <= 48 for row in self.rows for cell in row)

    @property
    def heads(self) -> list[tuple[str, bool]]:
        """(text of the head, whether the column holds numbers)."""
        return [(name.removesuffix("#"), name.endswith("#")) for name in self.columns]


@dataclasses.dataclass(frozen=True)
class Section:
    """One part of the datasheet.

    Attributes:
      id: its anchor.
      title: its head.
      paragraphs: running text.
      charts: names of charts, in order.
      tables: its tables.
      warnings: sentences that a reader must not miss.
    """

    id: str
    title: str
    paragraphs: tuple[str, ...] = ()
    charts: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    warnings: tuple[str, ...] = ()


def number(value: float | None) -> str:
    """A number with thousands separated; a dash where there is none.

    >>> number(1234567), number(0.123456), number(None)
    ('1,234,567', '0.123', '–')
    """
    if value is None:
        return ABSENT
    return f"{value:,}" if isinstance(value, int) else f"{value:,.3g}" if abs(value) < 1000 else f"{value:,.0f}"


def percent(value: float | None) -> str:
    """A share in percent.

    >>> percent(0.12345), percent(0.00001), percent(None)
    ('12.3 %', '< 0.1 %', '–')
    """
    if value is None:
        return ABSENT
    return "< 0.1 %" if 0 < value < 0.0005 else f"{value:.1%}".replace("%", " %")


def size(value: float) -> str:
    """Bytes in a unit that people read.

    >>> size(532), size(23186726)
    ('532 B', '23.2 MB')
    """
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if value < 1000 or unit == "TB":
            return f"{value:.0f} B" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    raise AssertionError(value)


def words(value: Any) -> str:
    """Any plain value as text.

    >>> words(["a", "b"]), words(None), words(True), words({"min": 0.5})
    ('a, b', '–', 'yes', 'min: 0.5')
    """
    if value is None or value in ([], {}, ""):
        return ABSENT
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return "; ".join(f"{name}: {words(inner)}" for name, inner in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(words(inner) for inner in value)
    return str(value)


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], note: str = "", *, folded: bool = False) -> Table:
    """A table from any sequences."""
    return Table(title, tuple(columns), tuple(map(tuple, rows)), note, folded)
