import importlib.metadata
import shutil

import pytest

import schemas.versions
from schemas.errors import EngineError
from schemas.versions import LIBRARIES, digest, guard, versions


def test_every_library_that_decides_bytes_is_named_with_its_version():
    assert set(versions()) == {"winnow", "code", "unicode", *LIBRARIES}
    assert versions()["pillow"] == importlib.metadata.version("pillow")


def test_equal_versions_pass_and_others_are_named():
    guard(versions())
    with pytest.raises(EngineError) as caught:
        guard(versions() | {"numpy": "1.0", "pillow": "2.0"})
    assert f"numpy {versions()['numpy']} instead of 1.0, pillow {versions()['pillow']} instead of 2.0" in str(caught.value)
    assert caught.value.exit_status == 5


def test_a_library_that_the_driver_knows_and_the_worker_does_not_is_named():
    with pytest.raises(EngineError, match="another absent instead of 3"):
        guard(versions() | {"another": "3"})


def test_the_digest_of_the_code_follows_sources_models_and_names_and_nothing_that_a_run_leaves(tmp_path, monkeypatch):
    def now() -> str:
        return schemas.versions._code_digest()

    monkeypatch.setattr(schemas.versions, "__file__", str(tmp_path / "schemas" / "versions.py"))
    for folder in ("schemas", "transforms", "pipeline"):
        (tmp_path / folder).mkdir()
    (tmp_path / "transforms" / "a.py").write_text("x = 1\n")
    (tmp_path / "transforms" / "words.txt").write_text("one\n")
    digests = [now()]
    (tmp_path / "transforms" / "__pycache__").mkdir()
    (tmp_path / "transforms" / "__pycache__" / "a.pyc").write_bytes(b"x")
    (tmp_path / "transforms" / ".a.py.swp").write_bytes(b"x")
    (tmp_path / "pipeline" / "cli.py").write_text("y = 1\n")
    assert now() == digests[0]
    (tmp_path / "transforms" / "words.txt").write_text("two\n")
    digests.append(now())
    (tmp_path / "transforms" / "a.py").write_text("x = 2\n")
    digests.append(now())
    shutil.move(tmp_path / "transforms" / "a.py", tmp_path / "schemas" / "a.py")
    digests.append(now())
    assert len(set(digests)) == 4


def test_a_digest_depends_on_values_and_not_on_the_order_of_keys():
    assert digest({"b": 1, "a": 2}) == digest({"a": 2, "b": 1})
    assert digest([1, 2]) != digest([2, 1])
    assert digest("é") != digest("e")
    assert len(digest(None)) == 16
    with pytest.raises(ValueError, match="not JSON compliant"):
        digest(float("nan"))
