"""Loads a model once per worker process: several threads that ask at the same moment wait for the one that loads."""

import functools
import threading
from collections.abc import Callable
from typing import Any, TypeVar, cast

Load = TypeVar("Load", bound=Callable[..., Any])


def loaded_once(most: int) -> Callable[[Load], Load]:
    """Makes a function keep what it has loaded, by its arguments, for all threads of the process.

    `functools.lru_cache` alone runs the function again for a second thread that comes before the first has ended.

    Args:
      most: so many are kept; of more the one that nobody asked for longest goes.
    """

    def decorate(load: Load) -> Load:
        kept, lock = functools.lru_cache(maxsize=most)(load), threading.Lock()

        @functools.wraps(load)
        def loaded(*args: Any) -> Any:
            with lock:
                return kept(*args)

        return cast("Load", loaded)

    return decorate
