"""Clients that ask a server on this machine, each as soon as it has its last answer: requests a second, and waits."""

import http.client
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from threading import Lock, Thread

TIMEOUT = 120
"""Seconds after which a client gives up."""


@dataclass
class Outcome:
    """What clients met with."""

    waits: list[float] = field(default_factory=list)
    """Seconds of each request."""
    faults: list[str] = field(default_factory=list)
    """What was no answer."""
    seconds: float = 0.0
    """From the first request to the last answer."""

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.waits) / self.seconds


def load(port: int, clients: int, seconds: float, texts: Iterator[str]) -> Outcome:
    """Let so many clients ask for translations on one connection each; after so many seconds none asks again."""
    outcome, lock = Outcome(), Lock()
    start = time.perf_counter()
    until = start + seconds

    def client() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT)
        try:
            while time.perf_counter() < until:
                with lock:
                    text = next(texts)
                asked = time.perf_counter()
                fault = ask(connection, text)
                answered = time.perf_counter()
                with lock:
                    outcome.seconds = max(outcome.seconds, answered - start)
                    if fault:
                        outcome.faults.append(fault)
                    else:
                        outcome.waits.append(answered - asked)
        except OSError as error:
            outcome.faults.append(repr(error))
        finally:
            connection.close()

    threads = [Thread(target=client) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcome


def ask(connection: http.client.HTTPConnection, text: str) -> str:
    """Ask for one translation, in LibreTranslate's shape, which ours takes too; returns what is wrong, or nothing."""
    body = json.dumps({"q": text, "source": "en", "target": "vi", "format": "text"})
    connection.request("POST", "/translate", body, {"Content-Type": "application/json"})
    response = connection.getresponse()
    answer = response.read()
    if response.status != 200:
        return f"{response.status}: {answer[:200]!r}"
    return "" if json.loads(answer)["translatedText"] else "an empty translation"
