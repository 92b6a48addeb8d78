"""Runs the demo and writes down what its ledger says.   python -m tests.golden.write"""

import json
import pathlib
import tempfile

from pipeline.cli import run_command
from tests.golden import PATH, told
from tests.runs import rows_of


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        demo = pathlib.Path(folder) / "demo"
        assert run_command(["demo", str(demo)]) == 0
        ledger = {row["key"]: row for row in rows_of(demo / "out.work/ledger")}
    lines = [f"{json.dumps(key)}: {json.dumps(row)}" for key, row in told(ledger).items()]
    PATH.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
