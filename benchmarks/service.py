"""`python -m benchmarks.service`: our service against LibreTranslate and against itself without batching, over HTTP.

Each server has one core, the clients have the other one; every client sends one sentence of some twenty words, no two
alike, and sends the next when it has its answer. The requests are the same, in LibreTranslate's shape. All servers run
all the time; they are asked in turn. LibreTranslate runs a Transformer-base in int8 with random weights, made so that
it ends each sentence after as many tokens as ours writes of these sentences in the mean: with weights that say nothing
it would write on to its bound. It translates with a beam of 4, as it comes, and also with 1, which is less than ours.
What differs: depth and vocabulary (32,000, which would need some fewer tokens), as in `benchmarks.engine`.
"""

import subprocess
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks.load import Outcome, load
from benchmarks.measuring import ROOT, begin, cores, options, pin, ratios, write
from benchmarks.peer import PYTHON
from benchmarks.plots import draw
from benchmarks.sentences import sentences
from benchmarks.servers import Server, libretranslate, ours
from inference.predictors import TranslationPredictor
from inference.tokenizer import Tokenizer

CLIENTS = (1, 16, 64)


def tokens_of(texts: list[str]) -> dict[str, float]:
    """How many tokens ours reads and writes of a text, in the mean."""
    predictor = TranslationPredictor.load(ROOT / "checkpoints" / "translation-en-vi")
    written = [result.text for result in predictor.predict(texts)]
    read, wrote = (
        Tokenizer(predictor.checkpoint.read(f"{side}.model")).encode(rows)
        for side, rows in (("source", texts), ("target", written))
    )
    return {
        "read": round(float(np.mean([*map(len, read)])), 1),
        "written": round(float(np.mean([*map(len, wrote)])), 1),
    }


def peers_versions() -> dict[str, str]:
    """What LibreTranslate is made of."""
    names = ("libretranslate", "argos-translate-lt", "ctranslate2")
    code = f"from importlib.metadata import version; print(*map(version, {names}))"
    told = subprocess.run([str(PYTHON), "-c", code], capture_output=True, text=True, check=True).stdout.split()
    return dict(zip(names, told, strict=True))


def start(stack: ExitStack, length: int, core: int) -> dict[str, Server]:
    """Start all servers, one after the other."""
    folder = Path(stack.enter_context(TemporaryDirectory()))
    packages = folder / "packages"
    subprocess.run([str(PYTHON), "-m", "benchmarks.peers.argos", str(packages), str(length)], cwd=ROOT, check=True)
    places = [folder / name for name in ("batched", "unbatched", "greedy", "beam")]
    for place in places:
        place.mkdir()
    return {
        "Hoiquy": stack.enter_context(ours("service.wsgi:app", places[0], core)),
        "Hoiquy without batching": stack.enter_context(ours("benchmarks.unbatched:app", places[1], core)),
        "LibreTranslate, greedy": stack.enter_context(libretranslate(packages, 1, places[2], core)),
        "LibreTranslate, beam 4": stack.enter_context(libretranslate(packages, 4, places[3], core)),
    }


def measure(servers: dict[str, Server], rounds: int, seconds: float) -> list[dict[str, Any]]:
    """Every server in turn, at every number of clients. Raises RuntimeError when a request goes wrong."""
    results: list[dict[str, Any]] = []
    texts = iter(sentences())
    for clients in CLIENTS:
        outcomes: dict[str, list[Outcome]] = {name: [] for name in servers}
        for _ in range(rounds):
            for name, server in servers.items():
                outcome = load(server.port, clients, seconds, texts)
                if outcome.faults:
                    raise RuntimeError(f"{name}, {clients} clients: {outcome.faults[:3]}")
                outcomes[name].append(outcome)
        results += [_result(name, clients, found, outcomes["Hoiquy"]) for name, found in outcomes.items()]
        for result in results[-len(servers) :]:
            print(result, flush=True)
    return results


def _result(name: str, clients: int, found: list[Outcome], mine: list[Outcome]) -> dict[str, Any]:
    waits = [wait for outcome in found for wait in outcome.waits]
    low, middle, high = ratios([outcome.rate for outcome in mine], [outcome.rate for outcome in found])
    p99 = [float(np.quantile(outcome.waits, 0.99)) for outcome in (*found, *mine)]
    return {
        "contender": name,
        "clients": clients,
        "requests": len(waits),
        "requests_a_second": round(float(np.median([outcome.rate for outcome in found])), 2),
        "p50_ms": round(1000 * float(np.median(waits)), 1),
        "p99_ms": round(1000 * float(np.quantile(waits, 0.99)), 1),
        "our_rate_in_its": middle,
        "quartiles": [low, high],
        "its_p99_in_ours": ratios(p99[: len(found)], p99[len(found) :])[1],
    }


def upkeep(servers: dict[str, Server], at_first: dict[str, float]) -> list[dict[str, Any]]:
    """How soon each server translated, and the memory of its processes: `at_first`, and now."""
    return [
        {
            "contender": name,
            "seconds_to_first_answer": round(server.seconds, 2),
            "mb_at_first": round(at_first[name]),
            "mb_after": round(server.megabytes),
        }
        for name, server in servers.items()
    ]


def main() -> None:
    """Measure, print, and write JSON and PNG."""
    parser = options(__doc__, rounds=3)
    parser.add_argument("--seconds", type=float, default=4)
    arguments = parser.parse_args()
    server, client = cores()
    pin(client)
    record = begin("python -m benchmarks.service", ["gunicorn", "flask", "onnxruntime", "numpy"])
    record["peers"] = peers_versions()
    record["tokens"] = tokens_of(sentences()[:100])
    record |= {"rounds": arguments.rounds, "seconds": arguments.seconds}
    with ExitStack() as stack:
        servers = start(stack, round(record["tokens"]["written"]), server)
        at_first = {name: each.megabytes for name, each in servers.items()}
        record["results"] = measure(servers, arguments.rounds, arguments.seconds)
        record["upkeep"] = upkeep(servers, at_first)
    write(record, arguments.out / "service.json")
    panels = [("over HTTP, one core", record["results"])]
    draw(panels, "clients", "requests_a_second", ("clients", "requests a second"), arguments.out / "service.png")


if __name__ == "__main__":
    main()
