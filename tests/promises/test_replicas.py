"""Two replicas behind the balancer, and Redis for what they share: as the compose file runs them, in processes."""

import subprocess
import time
from collections import Counter
from pathlib import Path
from typing import Any

from serving import Server, balancing, load, once, start, statuses

GLOSSARY = {"name": "g", "source_lang": "en", "target_lang": "vi", "entries": "Y\tZZ"}
FILE = b"""--edge\r
Content-Disposition: form-data; name="file"; filename="a.txt"\r
\r
Good night.\r
--edge--\r
"""
ANNA = {"X-Forwarded-For": "10.1.1.1"}
"""A caller for whom the proxy vouches."""


def small(n: int) -> tuple[str, Any]:
    return "/translate", {"text": f"Good night, number {n}."}


def ended(replica: Server, identity: str) -> Any:
    """What a replica says of a file that another one has taken, when it has ended."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        state = once(replica.port, f"/documents/{identity}", headers=ANNA)
        assert state.status == 200, state
        if state.body["status"] in ("done", "error"):
            return state.body
        time.sleep(0.05)
    raise AssertionError("the file was not translated in a minute")


def test_replicas_share_what_they_must(
    checkpoints: Path, tmp_path: Path, redis_server: "tuple[subprocess.Popen[bytes], str]"
) -> None:
    process, address = redis_server
    replicas = [
        start(checkpoints, tmp_path, store=address, proxies=1, rate_limit="60/minute", port=None) for _ in range(2)
    ]
    try:
        one, other = replicas
        made = once(one.port, "/v2/glossaries", GLOSSARY, ANNA).body["glossary_id"]
        named = {"text": ["I love Y."], "target_lang": "VI", "glossary_id": made}
        assert "ZZ" in once(other.port, "/v2/translate", named, ANNA).body["translations"][0]["text"]
        identity = once(
            one.port, "/documents", FILE, {**ANNA, "Content-Type": "multipart/form-data; boundary=edge"}
        ).body["id"]
        assert ended(other, identity)["status"] == "done"
        assert once(other.port, f"/documents/{identity}/result", headers=ANNA).body.decode() == "Chúc ngủ ngon."
        with balancing([one.port, other.port], tmp_path) as port:
            # A caller is counted once over both, whatever address he says that he has.
            forged = [
                once(port, *small(n), {"X-Forwarded-For": f"10.0.0.{n}", "X-Real-IP": f"10.0.0.{n}"}).status
                for n in range(80)
            ]
            assert Counter(forged) == {200: 60, 429: 20}
            process.kill()
            process.wait()
            # Without it nobody is counted, and texts are translated all the same.
            found = load(port, 2, lambda n: n >= 20, small)
            assert set(statuses(found)) == {200}
            lost = once(port, "/v2/glossaries")
            assert (lost.status, lost.body["error_type"], lost.headers["retry-after"]) == (503, "Overloaded", "1")
        assert sum(replica.metric("hoiquy_uncounted_total") for replica in replicas) >= 20
    finally:
        for replica in replicas:
            replica.process.terminate()
            replica.process.wait(60)
