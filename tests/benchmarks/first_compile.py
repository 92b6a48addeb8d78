"""What compiling every loop of Winnow costs the first run on a machine, in CPU seconds a kernel.

    python tests/benchmarks/first_compile.py

In a fresh process that begins as all of Winnow's do, with an empty cache: pictures and captions are signed, matched under both reaches,
traced, and looked for in given hashes, so that every kernel is called as a run calls it. Prints a line a kernel and specialisation,
dearest first: CPU seconds without those of the functions it calls, and what for; then a line with the sum, and the names of kernels that
nothing called (exit status 1).
"""

import hashlib
import importlib
import io
import os
import pathlib
import pkgutil
import subprocess
import sys
import tempfile
import time
from typing import Any

from environment import environment

INSIDE = "WINNOW_COMPILES_HERE"
SIDE = 192


def record() -> list[tuple[str, str, float]]:
    """Where compilations of this process will be written: kernel, types of its arguments, CPU seconds of its own."""
    from numba.core import event

    class Listener(event.Listener):
        def __init__(self) -> None:
            self.found: list[tuple[str, str, float]] = []
            self.open: list[list[float]] = []

        def on_start(self, event: Any) -> None:
            self.open.append([time.process_time(), 0.0])

        def on_end(self, event: Any) -> None:
            began, inner = self.open.pop()
            took = time.process_time() - began
            if self.open:
                self.open[-1][1] += took
            function = event.data["dispatcher"].py_func
            name = f"{function.__module__.removeprefix('transforms.')}.{function.__name__}"
            self.found.append((name, ", ".join(map(str, event.data["args"])), took - inner))

    listener = Listener()
    event.register("numba:compile", listener)
    return listener.found


def signature_file(folder: pathlib.Path, reach: Any) -> Any:
    """Pictures and captions, each twice over with small changes, signed."""
    import numpy as np
    import pyarrow as pa
    from PIL import Image

    from schemas.job import Decode
    from schemas.samples import SAMPLE, Samples
    from transforms.filters.base import Batch
    from transforms.images.decode import open_picture
    from transforms.images.phash import hash_pictures
    from transforms.match.columns import write_columns
    from transforms.match.rows import SignatureFile
    from transforms.match.signatures import sign

    draw, images, captions = np.random.default_rng(1), [], []
    for number in range(4):
        rough = draw.uniform(0, 255, (12, 12)).astype(np.uint8)
        whole = Image.fromarray(rough).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
        framed = Image.new("L", (SIDE + 40, SIDE + 60), 0)
        framed.paste(whole, (20, 30))
        drawn = Image.fromarray(np.where(rough > 160, 0, 255).astype(np.uint8)).resize((SIDE, SIDE), Image.Resampling.NEAREST)
        for picture, form, text in (
            (whole, "JPEG", "a red kite over the sea"),
            (whole, "PNG", "a red kite over a sea"),
            (framed, "JPEG", "word " * 120),
            (drawn, "JPEG", "a form"),
            (drawn, "PNG", "a form"),
        ):
            target = io.BytesIO()
            picture.convert("RGB").save(target, form)
            images.append(target.getvalue())
            captions.append(f"{text} {number}")
    core = [{"row": row, "caption": text, "disallowed": False, "extra": [], "flags": []} for row, text in enumerate(captions)]
    samples = Samples(pa.RecordBatch.from_pylist(core, schema=SAMPLE), pa.RecordBatch.from_pylist([{}] * len(core)), {})
    pictures = [open_picture(raw, Decode(), "fast") for raw in images]
    digests, nothing = [hashlib.sha256(raw).digest() for raw in images], [None] * len(images)
    batch = Batch(samples, pictures, digests, nothing, nothing, nothing, {})
    path = str(folder / f"{reach}.arrow")
    write_columns([sign(batch, [digest[:16] for digest in digests], hash_pictures(pictures, reach), nothing)], path)
    return SignatureFile(path, len(images))


def call_all(folder: pathlib.Path) -> None:
    """Calls what calls the kernels."""
    import numpy as np

    from pipeline.engine import Engine
    from pipeline.match import match
    from schemas.job import Dedup, Images
    from schemas.signatures import THUMBNAIL_SIDE
    from transforms.images.windows import unlikeness
    from transforms.match.outside import FEW, Outside
    from transforms.match.scan import nearest

    for reach in ("plain", "views"):
        dedup = Dedup(policy="image_or_caption", images=Images(reach=reach))
        match([signature_file(folder, reach)], str(folder / reach), dedup, Engine.from_job(1))
    hashes = np.arange(2 * FEW, dtype=np.uint64)
    nearest(hashes.view(np.uint8).reshape(-1, 8), [hashes])
    for some in (hashes, hashes[:1]):
        Outside(some, 4).among(hashes)
    unlikeness(np.zeros((2, THUMBNAIL_SIDE**2), np.uint8), np.array([0]), np.array([1]), np.eye(2, 3)[None])


def kernels() -> dict[str, Any]:
    """Every compiled function of the package."""
    from numba.core.dispatcher import Dispatcher

    import transforms

    found = {}
    for module in pkgutil.walk_packages(transforms.__path__, "transforms."):
        if ".models" not in module.name:
            for value in vars(importlib.import_module(module.name)).values():
                if isinstance(value, Dispatcher):
                    found[f"{value.py_func.__module__.removeprefix('transforms.')}.{value.py_func.__name__}"] = value
    return found


def measure() -> int:
    """In the fresh process."""
    from pipeline.garbage import collect_rarely
    from pipeline.threads import limit_threads

    collect_rarely()
    limit_threads()
    found = record()
    with tempfile.TemporaryDirectory() as folder:
        call_all(pathlib.Path(folder))
    for name, arguments, seconds in sorted(found, key=lambda entry: -entry[2]):
        print(f"{seconds:7.3f}  {name}({arguments})")
    forgotten = [name for name, kernel in kernels().items() if not kernel.signatures]
    print(f"{sum(entry[2] for entry in found):7.3f}  in all, {len(found)} compilations; never called: {', '.join(forgotten) or 'none'}")
    return 1 if forgotten else 0


def main() -> int:
    """The command."""
    if INSIDE in os.environ:
        return measure()
    with tempfile.TemporaryDirectory() as cache:
        return subprocess.run(
            [sys.executable, __file__], env=environment(**{INSIDE: "1", "NUMBA_CACHE_DIR": cache}), check=False
        ).returncode


if __name__ == "__main__":
    sys.exit(main())
