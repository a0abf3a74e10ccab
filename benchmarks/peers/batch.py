"""What a process that scores a file tells of itself."""

import json
import resource
import time
from collections.abc import Callable


def figures(score: Callable[[], object]) -> str:
    """Time a scoring; returns JSON: seconds, and the most memory that the process ever held."""
    start = time.perf_counter()
    score()
    seconds = time.perf_counter() - start
    kibibytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return json.dumps({"seconds": seconds, "mebibytes": kibibytes / 1024})
