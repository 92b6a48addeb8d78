"""The garbage collector of a process of Winnow's."""

import subprocess
import sys

TELLS = """
import atexit, gc
atexit.register(lambda: print(gc.get_freeze_count() > 1_000, gc.get_threshold()[0] > 10_000))
from pipeline.garbage import collect_rarely
collect_rarely()
"""


def test_what_lives_at_the_end_of_a_process_is_not_looked_through_again():
    done = subprocess.run([sys.executable, "-c", TELLS], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "True"]
