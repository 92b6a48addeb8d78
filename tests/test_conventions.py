"""The repository's own rules, as tests."""

import ast
import pathlib
import re
import subprocess

import pytest

from transforms.filters import filter_types

ROOT = pathlib.Path(__file__).parents[1]
PRODUCT = sorted(path for package in ("schemas", "transforms", "pipeline") for path in (ROOT / package).rglob("*.py"))
TOP_LEVEL = {"pyproject.toml", "README.md", "LICENSE", "pipeline", "transforms", "schemas", "tests", "notebooks"}
LONGEST_FILE = 350
LONGEST_FUNCTION = 80


def tracked() -> list[str]:
    done = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip("needs a git checkout")
    return done.stdout.splitlines()


def test_the_top_level_stays_as_it_is():
    assert {name.split("/")[0] for name in tracked() if not name.startswith(".")} <= TOP_LEVEL


def test_no_file_of_the_project_is_large():
    assert not [name for name in tracked() if (ROOT / name).exists() and (ROOT / name).stat().st_size > 3_000_000]


def test_every_filter_of_ours_has_a_module_and_a_test_of_its_name():
    for kind in filter_types().values():
        if kind.__module__.startswith("transforms.filters."):
            module = kind.__module__.rpartition(".")[2]
            assert (ROOT / "tests/filters" / f"test_{module}.py").exists(), module


@pytest.mark.parametrize("path", PRODUCT, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_is_one_idea_and_says_what_the_reader_gets(path):
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    assert ast.get_docstring(tree), "a module says what the reader gets"
    assert len(text.splitlines()) <= LONGEST_FILE
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            assert node.end_lineno - node.lineno < LONGEST_FUNCTION, node.name


@pytest.mark.parametrize("path", [path for path in PRODUCT if path.parts[-2] != "toxicity"], ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_that_decides_bytes_depends_on_chance_or_the_clock(path):
    """Law 2. The engine's side (heartbeats, logs, progress) may look at the clock."""
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"\bimport random\b|np\.random\.(?!RandomState\(1\))|[^.\w]hash\(", text)
    if path.relative_to(ROOT).parts[0] != "pipeline":
        assert not re.search(r"\btime\.time\(|datetime\.now", text)
