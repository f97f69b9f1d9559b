"""The peer's end of `benchmarks/peer.py`: prepare what is asked for, do it when told to, say how long it took."""

import json
import os
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from importlib.metadata import version
from typing import Any

Work = Callable[[], object]


def answer(prepare: Callable[..., Work], packages: Sequence[str] = ()) -> None:
    """Answer commands until there are no more.

    `{"prepare": {...}}` calls `prepare` with these arguments -> `{"handle": n}`; `{"run": n}` does that work ->
    `{"seconds": s}`; what goes wrong is `{"error": "..."}`. The first line says the versions of `packages`.
    """
    # Libraries print to standard output too; theirs goes where errors go.
    replies = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)

    def reply(**values: Any) -> None:
        print(json.dumps(values), file=replies)

    works: list[Work] = []
    reply(versions={name: version(name) for name in packages})
    for line in sys.stdin:
        command = json.loads(line)
        try:
            if "prepare" in command:
                works.append(prepare(**command["prepare"]))
                reply(handle=len(works) - 1)
            else:
                work = works[command["run"]]
                start = time.process_time()
                work()
                reply(seconds=time.process_time() - start)
        except Exception as error:  # whatever it is, the benchmark shall hear of it
            traceback.print_exc()
            reply(error=f"{type(error).__name__}: {error}")
