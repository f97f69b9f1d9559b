"""How many processor cores there are for this process."""

import math
import os
from contextlib import suppress
from pathlib import Path

_QUOTA = Path("/sys/fs/cgroup/cpu.max")


def count_cores() -> int:
    """The cores that this process may run on, and no more than a container's quota has (`docker run --cpus 2`)."""
    cores = len(os.sched_getaffinity(0))
    with suppress(OSError, ValueError):  # there is none ("max"), or it is no Linux with cgroups of version 2
        quota, period = map(int, _QUOTA.read_text(encoding="ascii").split())
        return max(1, min(cores, math.ceil(quota / period)))
    return cores
