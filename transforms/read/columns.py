"""Which column of a source plays which role: by the job's mapping, else by the names of known layouts.

Layouts: img2dataset (README, "Output format"), LAION-400M and LAION-5B metadata, DataComp (`metadata` of the pool), COYO-700M.
"""

import dataclasses
import difflib
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from schemas.errors import JobError
from schemas.job import Source

# Role -> names that are recognised, the first that a file has.
ROLES: Final[dict[str, tuple[str, ...]]] = {
    "image": ("jpg", "image", "image.bytes", "jpeg", "png", "webp", "image_bytes"),
    "caption": ("caption", "text", "TEXT"),
    "url": ("url", "URL"),
    "key": ("key", "__key__", "uid"),
    "width": ("width", "WIDTH"),
    "height": ("height", "HEIGHT"),
    "original_width": ("original_width",),
    "original_height": ("original_height",),
    "http_headers": ("http_headers", "response_headers", "headers"),
    "exif": ("exif",),
    "sha256": ("sha256",),
    "sha1": ("sha1",),
    "md5": ("md5",),
    "phash": ("phash", "image_phash"),
    "similarity": (
        "similarity",
        "clip_l14_similarity_score",
        "clip_b32_similarity_score",
        "clip_similarity_vitl14",
        "clip_similarity_vitb32",
    ),
    "punsafe": ("punsafe",),
    "nsfw": ("NSFW",),
    "face_boxes": ("face_bboxes",),
    "watermark": ("pwatermark", "watermark_score"),
    "aesthetic": ("aesthetic_score", "AESTHETIC_SCORE"),
    "language": ("LANGUAGE", "language"),
    "status": ("status",),
    "error_message": ("error_message",),
    "page_noai": ("page_noai",),
    "page_meta_robots": ("page_meta_robots",),
    "page_tdm_reservation": ("page_tdm_reservation",),
    "downloaded_at": ("downloaded_at",),
    "mime": ("mime", "mime_type", "content_type"),
    "license": ("license", "licence"),
    "licence": ("licence", "license"),
    "creator": ("creator", "artist", "author"),
    "image_embedding": (),  # by name only: no layout has them
    "text_embedding": (),
}
# What a list of URLs declares of a picture that was never loaded.
DECLARED: Final = {"width": ("original_width",), "height": ("original_height",)}


@dataclasses.dataclass(frozen=True)
class Columns:
    """What the columns of one file are.

    Attributes:
      names: a name for every column, in the file's order, each once: the second `text` is `text_2`.
      roles: role -> one of `names`.
      missing: roles whose mapped column the file does not have.
      notes: what must be said about it.
    """

    names: tuple[str, ...]
    roles: dict[str, str]
    missing: tuple[str, ...]
    notes: tuple[str, ...]


def resolve(names: Sequence[str], source: Source, path: str) -> Columns:
    """Finds the roles of a file's columns.

    Args:
      names: as the file has them; a name may stand twice.
      source: its mapping, and its layout.
      path: of the file, for messages.

    Raises:
      JobError: the mapping names a role that there is not, or the column of a role stands twice in the file.
    """
    _check_mapping(source)
    counts = Counter(names)
    roles: dict[str, str] = {}
    missing = []
    for role, known in ROLES.items():
        candidates = (
            (source.columns[role],) if role in source.columns else known + (DECLARED.get(role, ()) if source.format == "urls" else ())
        )
        column = next((name for name in candidates if name in counts), None)
        if column is None:
            missing += [role] if role in source.columns else []
            continue
        if counts[column] > 1:
            raise JobError(
                f"{path}: column {column!r} stands {counts[column]} times, so `source.columns.{role}` does not say which is meant; "
                f"rename one in the file, or map another column"
            )
        roles[role] = column
    notes = [f"mapped column missing: {source.columns[role]!r} (source.columns.{role}) is not in this shard" for role in missing]
    return Columns(_each_once(names), roles, tuple(missing), (*notes, *_case_notes(counts, roles)))


def _check_mapping(source: Source) -> None:
    for role in source.columns:
        if role not in ROLES:
            near = difflib.get_close_matches(role, ROLES, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"the roles are {', '.join(ROLES)}"
            raise JobError(f"source.columns.{role}: there is no such role; {hint}")


def _each_once(names: Sequence[str]) -> tuple[str, ...]:
    taken = set(names)
    seen: set[str] = set()
    unique = []
    for name in names:
        number, free = 2, name
        while free in seen or (free != name and free in taken):
            free, number = f"{name}_{number}", number + 1
        seen.add(free)
        unique.append(free)
    return tuple(unique)


def _case_notes(names: Iterable[str], roles: dict[str, str]) -> list[str]:
    alike: dict[str, list[str]] = {}
    for name in names:
        alike.setdefault(name.casefold(), []).append(name)
    mapped = {column: role for role, column in roles.items()}
    notes = []
    for group in alike.values():
        chosen = [name for name in group if name in mapped]
        if len(group) > 1 and chosen:
            told = ", ".join(f"{name!r} is mapped as {mapped[name]}" for name in chosen)
            notes.append(f"columns that differ in case only: {', '.join(map(repr, group))}; {told}")
    return notes
