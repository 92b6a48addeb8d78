"""An array in a file, in numpy's format: what steps leave for each other."""

import numpy as np

from transforms import storage


def write_array(path: str, array: np.ndarray) -> None:
    """Writes an array, atomically.

    Its octets are written by ourselves: of a disk that is full `numpy.save` says how much of how much it wrote, and not that.

    Raises:
      EngineError: the place cannot be written to, or is full.
    """
    with storage.atomic_write(path) as scratch, open(scratch, "wb") as file:
        array = np.ascontiguousarray(array)
        np.lib.format.write_array_header_1_0(file, np.lib.format.header_data_from_array_1_0(array))
        file.write(array.reshape(-1).view(np.uint8).data)


def read_array(path: str) -> np.ndarray:
    """Reads what `write_array` wrote.

    Raises:
      InputError: it is not there or cannot be read.
    """
    with storage.open_read(path) as file:
        return np.load(file, allow_pickle=False)
