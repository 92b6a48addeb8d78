"""What programs that generate pictures leave in a file: text chunks, EXIF fields and comments that only they write.

Text chunks as the programs' own code names them: `parameters` with `Steps:` and `Sampler:` (AUTOMATIC1111/stable-diffusion-webui and what
goes back to it: Forge, SD.Next, Fooocus); `prompt` and `workflow` with `class_type` (comfyanonymous/ComfyUI); `invokeai_metadata`,
`sd-metadata`, `Dream` (invoke-ai/InvokeAI); JPEG and WebP have the first in EXIF's UserComment. Others name themselves as `Software`,
Midjourney by the number of its job in `Description`. What resaves a picture mostly takes all of this away.
"""

import re
from collections.abc import Sequence
from typing import Final

_PARAMETERS: Final = re.compile(r"\bSteps:\s*\d+.*\bSampler:", re.DOTALL)
_JOB: Final = re.compile(r"Job ID:\s*[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_NAMED: Final = re.compile(
    r"\b(stable[ -]?diffusion|midjourney|dall[-·. ]?e\b|novelai|comfyui|invokeai|fooocus|adobe firefly|dreamstudio|leonardo\.ai"
    r"|ideogram|draw things|imagen\b|nightcafe|made with google ai|openai)",
    re.IGNORECASE,
)
_INVOKE: Final = frozenset({"invokeai_metadata", "invokeai_graph", "sd-metadata", "dream"})
_SELF_NAMED: Final = frozenset({"software", "generator", "creatortool"})
_ANYWHERE: Final = frozenset({"parameters", "usercomment", "comment", "", "description", "imagedescription"})


def generator_of(texts: Sequence[tuple[str, str]]) -> tuple[str, str] | None:
    """Which program generated a picture, and the field that says so; None where none does.

    Args:
      texts: of `transforms.images.metadata.Metadata`.

    >>> generator_of([("parameters", "a red kite, Steps: 20, Sampler: Euler a, CFG scale: 7")])
    ('stable diffusion', 'parameters')
    >>> generator_of([("Software", "Adobe Photoshop 25"), ("parameters", "exposure 1/60")])
    """
    for keyword, text in texts:
        name = keyword.casefold()
        if name in _INVOKE:
            return "invokeai", keyword
        if name in ("prompt", "workflow") and '"class_type"' in text:
            return "comfyui", keyword
        if name in _ANYWHERE and _PARAMETERS.search(text):
            return "stable diffusion", keyword or "comment"
        if name in _ANYWHERE and _JOB.search(text):
            return "midjourney", keyword or "comment"
        if name in _SELF_NAMED and (found := _NAMED.search(text)):
            return found.group(1).casefold(), keyword
    return None
