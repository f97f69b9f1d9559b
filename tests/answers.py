"""`python tests/answers.py URL SECONDS`: wait for a server of the shipped checkpoints, ask it, fail on a bad answer."""

import json
import sys
import time
import urllib.error
import urllib.request
from typing import Any


def ask(url: str, text: str | None = None) -> dict[str, Any]:
    """GET `url`, or POST it a plain text."""
    request = urllib.request.Request(url, text.encode() if text is not None else None)
    with urllib.request.urlopen(request, timeout=30) as response:
        return dict(json.load(response))


def main() -> None:
    """Ask for the health, a translation and two sentiments."""
    url, seconds = sys.argv[1], float(sys.argv[2])
    deadline = time.monotonic() + seconds
    while True:
        try:
            health = ask(f"{url}/health")
            break
        except urllib.error.HTTPError as error:
            sys.exit(f"{url}/health answers {error.code}: {error.read().decode()}")
        except OSError:
            if time.monotonic() > deadline:
                sys.exit(f"no answer from {url}/health within {seconds} seconds")
            time.sleep(0.2)
    assert health["status"] == "ok", health
    translation = ask(f"{url}/translate", "I love you.")["translations"][0]["text"]
    assert translation in ("Tôi yêu bạn.", "Anh yêu em.", "Em yêu anh.", "Tôi yêu anh.", "Tôi yêu em."), translation
    for text, label in (("A wonderful, moving film.", "positive"), ("A dull and stupid film.", "negative")):
        result = ask(f"{url}/sentiment", text)["results"][0]
        assert result["label"] == label, result
    print(f"{url} answers: {translation}")


if __name__ == "__main__":
    main()
