"""How commands print: tables that fit a terminal and are whole in a pipe, and text from the data that can do nothing to either."""

import sys

from rich.console import Console
from rich.markup import escape

WIDE = 10_000  # columns of a pipe: nothing is cut or wrapped


def out() -> Console:
    """Standard output."""
    return Console(width=None if sys.stdout.isatty() else WIDE, soft_wrap=True, highlight=False)


def plain(text: object) -> str:
    r"""Text of unknown origin as it may be printed: no markup, no control characters.

    >>> plain("a [bold]red[/bold] kite" + chr(27) + "[2J")
    'a \\[bold]red\\[/bold] kite�[2J'
    """
    return escape("".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in str(text)))


def tell(message: str) -> None:
    """Prints a message for people, apart from data."""
    print(f"winnow: {message}", file=sys.stderr)
