"""What a C2PA manifest says of training: assertions `c2pa.training-mining` (C2PA 1.x) and `cawg.training-mining` (CAWG 1.1).

The manifest that is active counts, and those of its ingredients: what a picture was made of is in it. A reservation counts whatever its
signature is worth, so it is read here; a permission only where the manifest validates, which the extra `c2pa` knows. `constrained`
reserves (CAWG 1.1, section 4: without further information it is equivalent to `notAllowed`).
"""

import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from schemas.errors import MissingError
from transforms.consent.signal import CONTENT, TRAINING_MINING, Signal, evidence
from transforms.images.parts.jumbf import CONTENTS, assertions

MIME: Final = {"jpeg": "image/jpeg", "png": "image/png", "webp": "image/webp", "tiff": "image/tiff", "heif": "image/avif"}
_LABEL: Final = re.compile(r"(c2pa|cawg)\.training-mining(?:\.v\d+)?(?:__\d+)?")
_KEYS: Final = frozenset({"data_mining", "ai_training", "ai_generative_training"})
_VALID: Final = frozenset({"Valid", "Trusted"})
_OFFLINE: Final = {"verify": {"remote_manifest_fetch": False, "ocsp_fetch": False}}  # nothing is fetched because a picture says so


def unchecked_signals(stores: Iterable[bytes], where: str = "") -> list[Signal] | None:
    """What the manifest stores of a picture say, each thing once, no signature checked; None where one of them cannot be read.

    Args:
      stores: as `transforms.images.metadata` has them.
      where: put in front of the evidence.
    """
    found: list[dict[str, Any]] = []
    try:
        for store in stores:
            for label, kind, payload in assertions(store):
                if _LABEL.fullmatch(label):
                    found.append({"label": label, "data": CONTENTS[kind](payload)})
    except (ValueError, KeyError, RecursionError):  # no store, no CBOR, no JSON; a kind of box that assertions have not
        return None
    return _signals({"manifests": {"": {"assertions": found}}}, where)


def manifest_signals(picture: bytes, container: str, where: str = "") -> list[Signal] | None:
    """The same, read and validated by the library of the extra; None where it cannot read the manifests.

    Args:
      picture: the file.
      container: what `transforms.images.metadata` calls its container; in those that are no key of `MIME` no manifest is looked for.
      where: put in front of the evidence.

    Raises:
      MissingError: the extra `c2pa` is not installed.
    """
    c2pa = load_c2pa()
    if container not in MIME:
        return None
    try:
        with c2pa.Context.from_dict(_OFFLINE) as context, c2pa.Reader(MIME[container], io.BytesIO(picture), context=context) as reader:
            store = json.loads(reader.json())
    except (c2pa.C2paError, ValueError):
        return None
    return _signals(store, where)


def _signals(store: Mapping[str, Any], where: str) -> list[Signal]:
    said = training_mining(store)
    return list(dict.fromkeys(Signal(TRAINING_MINING, value, CONTENT, evidence(f"{where}{label}")) for label, value in said))


def load_c2pa() -> Any:
    """The library.

    Raises:
      MissingError: it is not installed.
    """
    try:
        import c2pa
    except ImportError as error:
        raise MissingError("opt_out.c2pa: read needs the extra c2pa: pip install 'winnow-curation[c2pa]'; or leave it out") from error
    return c2pa


def training_mining(store: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Labels of assertions and what they say (`ai_training=notAllowed`), from a manifest store as C2PA's readers give it in JSON.

    A permission of a store that does not validate is `allowed, not validated`.

    >>> entries = {"cawg.ai_training": {"use": "constrained"}}
    >>> assertion = {"label": "cawg.training-mining__1", "data": {"entries": entries}}
    >>> list(training_mining({"active_manifest": "a", "manifests": {"a": {"assertions": [assertion]}}}))
    [('cawg.training-mining__1', 'ai_training=constrained')]
    """
    valid = store.get("validation_state") in _VALID
    manifests = store.get("manifests")
    for manifest in _dicts(list(manifests.values()) if isinstance(manifests, dict) else []):
        for assertion in _dicts(manifest.get("assertions")):
            label, data = str(assertion.get("label")), assertion.get("data")
            if not _LABEL.fullmatch(label) or not isinstance(data, dict):
                continue
            entries = data.get("entries", data)  # older writers leave the level `entries` out
            for name, entry in sorted(entries.items()) if isinstance(entries, dict) else ():
                key = str(name).rpartition(".")[2]
                use = entry.get("use") if isinstance(entry, dict) else entry
                if key in _KEYS and isinstance(use, str):
                    yield label, f"{key}={use}" if use != "allowed" or valid else f"{key}=allowed, not validated"


def _dicts(found: Any) -> list[dict[str, Any]]:
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []
