"""What a worker counts, for Prometheus: requests, queue, steps, tokens; never a text, an address or a key.

Workers are processes: under gunicorn each writes its counts to files in one folder, from which any of them answers for
all (prometheus_client's multiprocess mode).
"""

import os

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    multiprocess,
)

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""The environment variable that names the folder."""

REQUESTS = Counter("hoiquy_requests", "Requests answered.", ["route", "status"])
SECONDS = Histogram(
    "hoiquy_request_seconds",
    "Time to answer a request.",
    ["route"],
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30),
)
UNDER_WAY = Gauge("hoiquy_jobs", "Requests under way in the compute threads.", multiprocess_mode="livesum")
TOKENS = Counter("hoiquy_tokens", "Tokens of requests that were taken.", ["task"])
STEPS = Counter("hoiquy_steps", "Decoder steps, and texts classified.", ["task"])
ROWS = Histogram("hoiquy_step_rows", "Hypotheses that share a decoder step.", buckets=(1, 2, 4, 8, 16, 32))
UNCOUNTED = Counter("hoiquy_uncounted", "Requests let in uncounted, since Redis, where they are counted, was away.")
MODEL = Gauge("hoiquy_model", "Models served.", ["task", "name", "version"], multiprocess_mode="livemax")


def exposition() -> tuple[bytes, str]:
    """The counts of all workers in Prometheus' text format, and its content type."""
    registry = CollectorRegistry()
    if os.environ.get(FOLDER):
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry), CONTENT_TYPE_LATEST
    return generate_latest(), CONTENT_TYPE_LATEST
