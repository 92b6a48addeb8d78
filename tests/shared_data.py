"""Where the real data lies that some tests read: beside the checkout, or where WINNOW_SHARED says. Nothing of it is in the project."""

import os
import pathlib

import pytest

ROOT = pathlib.Path(os.environ.get("WINNOW_SHARED") or pathlib.Path(__file__).resolve().parents[2] / "shared")


def shared(*parts: str) -> pathlib.Path:
    """A path below the shared folder; skips the test where it is absent."""
    path = ROOT.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"needs real data at {'/'.join(('shared', *parts))}, which is not beside this checkout (set WINNOW_SHARED)")
    return path
