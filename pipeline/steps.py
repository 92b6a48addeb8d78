"""What the steps of pipelines have in common."""

from collections.abc import Iterable

import apache_beam as beam


class Step(beam.DoFn):
    """A step of a pipeline.

    To find parameters that ask for state or timers, Beam reads the signature of every method that `dir` names, eight times over: of a small
    job that was a quarter of the CPU seconds. What `beam.DoFn` defines itself asks for neither, so only a step's own methods are named.
    """

    def __dir__(self) -> Iterable[str]:
        kinds = type(self).__mro__
        return sorted({name for kind in kinds[: kinds.index(Step)] for name in vars(kind) if not name.startswith("_")})
