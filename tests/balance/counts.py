"""Cells written down by hand."""

from collections.abc import Mapping, Sequence

from transforms.balance.cells import Cells, Key, gather

REASONS = ("unreadable", "opt_out", "duplicate_image", "caption_quality", "language", "toxicity")


def mask(*reasons: str) -> int:
    return sum(1 << REASONS.index(reason) for reason in reasons)


def cells(rows: Mapping[tuple[Sequence[str], Sequence[str]], int | Sequence[int]]) -> Cells:
    """(levels, reasons) -> rows, or rows per bucket. Levels left away at the end are `unspecified`, `unknown`, `en`."""
    rest = ("no_person", "unspecified", "unknown", "en")
    counts = []
    for (levels, reasons), numbers in rows.items():
        whole = (*levels, *rest[len(levels) :])
        spread = [numbers] if isinstance(numbers, int) else numbers
        counts += [(Key(whole, mask(*reasons), bucket), number) for bucket, number in enumerate(spread)]
    return gather(counts, REASONS)
