"""The benchmarks' measuring: turns, ratios, records, and the talk with a peer in another process. No peer is needed."""

import json
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from threading import Thread

import pytest

from benchmarks import measuring
from benchmarks.engine import forced
from benchmarks.floor import bandwidth, matrices
from benchmarks.load import load
from benchmarks.peer import Peer, PeerError
from benchmarks.plots import bars
from benchmarks.report import put, table, times
from benchmarks.sentences import sentences
from inference.decoding import Decoder, State
from inference.engine import TranslationGraph

TOY = """
from benchmarks.peers.answering import answer

def prepare(rows):
    print("libraries say this and that")
    if rows < 0:
        raise ValueError(f"rows is {rows}")
    return lambda: sum(range(1000 * rows)) if rows else 1 / 0

answer(prepare, ["numpy"])
"""


def test_contenders_take_turns_and_the_first_round_does_not_count() -> None:
    order: list[str] = []

    def contender(name: str, seconds: list[float]) -> measuring.Run:
        def run() -> float:
            order.append(name)
            return seconds.pop(0)

        return run

    runs = {"ours": contender("ours", [9.0, 1.0, 2.0]), "theirs": contender("theirs", [9.0, 3.0, 8.0])}
    times = measuring.in_turn(runs, rounds=2)
    assert order == ["ours", "theirs"] * 3
    assert times == {"ours": [1.0, 2.0], "theirs": [3.0, 8.0]}


def test_ratios_are_those_within_a_round() -> None:
    """The machine slows down threefold in the second round: the medians would say 1, or 9."""
    assert measuring.ratios([3.0, 9.0, 3.0], [1.0, 3.0, 1.0]) == [3.0, 3.0, 3.0]
    assert measuring.ratios([1.0, 2.0, 3.0], [1.0, 1.0, 1.0]) == [1.5, 2.0, 2.5]
    ours, theirs = measuring.compare({"a": [0.1, 0.2], "b": [0.4, 0.4]}, "ms", 1000, batch=4)
    assert ours == {"contender": "a", "batch": 4, "ms": 150.0, "times_ours": 1.0, "quartiles": [1.0, 1.0]}
    assert theirs == {"contender": "b", "batch": 4, "ms": 400.0, "times_ours": 3.0, "quartiles": [2.5, 3.5]}


def test_time_is_what_was_worked() -> None:
    assert measuring.timed(lambda: sum(range(100_000)))() > 0


def test_a_record_says_how_it_was_made(tmp_path: Path) -> None:
    record = measuring.begin("python -m benchmarks.toy", ["numpy"])
    measuring.write(record, tmp_path / "results" / "toy.json")
    assert json.loads((tmp_path / "results" / "toy.json").read_text()) == record
    assert {"command", "commit", "machine", "load", "versions"} == record.keys()
    assert record["machine"] and record["versions"]["numpy"]


def test_bars_are_drawn_of_a_record_alone(tmp_path: Path) -> None:
    record = json.loads((measuring.RESULTS / "training_speed.json").read_text())
    bars(record["results"], "target_tokens_a_second", "target tokens a second", tmp_path / "bars.png")
    assert (tmp_path / "bars.png").read_bytes().startswith(b"\x89PNG")


def test_a_peer_prepares_and_works_in_another_process() -> None:
    with Peer([sys.executable, "-c", TOY]) as peer:
        assert set(peer.versions) == {"numpy"}
        small, large = peer.prepare(rows=1), peer.prepare(rows=300)
        assert 0 <= small() < large()
        with pytest.raises(PeerError, match="ValueError: rows is -1"):
            peer.prepare(rows=-1)
        broken = peer.prepare(rows=0)
        with pytest.raises(PeerError, match="ZeroDivisionError"):
            broken()
        assert small() >= 0


def test_a_peer_that_ends_is_an_error() -> None:
    with pytest.raises(PeerError, match="ended with code 3"):
        Peer([sys.executable, "-c", "raise SystemExit(3)"])


@pytest.mark.parametrize("beam", [1, 4])
def test_ours_writes_what_it_is_forced_to(checkpoints: Path, beam: int) -> None:
    folder = checkpoints / "tiny-translation"
    graph = TranslationGraph((folder / "encoder.onnx").read_bytes(), (folder / "step.onnx").read_bytes())
    search = forced(beam)
    decoder = Decoder(graph.step, graph.gathering())
    decoder.join(search, State(*graph.encode([5, 6, 7])))
    steps = 0
    while decoder.rows:
        decoder.step()
        steps += 1
    assert steps == 25
    assert {len(found.ids) for found in search.result()} == {25}


def test_the_floor_counts_what_is_multiplied(checkpoints: Path) -> None:
    """By hand, from the shape of the toy: two layers, the readout, the output; no table that is looked up."""
    config = json.loads((checkpoints / "tiny-translation" / "config.json").read_text())["model"]
    sizes = matrices((checkpoints / "tiny-translation" / "step.onnx").read_bytes())
    width, embedding = config["hidden"], config["embedding"]
    assert sizes[:3] == [(width, 4 * width), (3 * width, 4 * width), (2 * width, embedding)]
    assert [depth for depth, _ in sizes[3:]] == [embedding]
    assert bandwidth(1_000_000) > 1e8


class Echo(BaseHTTPRequestHandler):
    """Translates every text into itself, and refuses the fifth."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        text = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["q"]
        body = json.dumps({"translatedText": text}).encode()
        self.send_response(503 if text == "text 5" else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def echo() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def test_the_load_counts_answers_and_tells_of_faults(echo: int) -> None:
    texts = (f"text {number}" for number in count())
    outcome = load(echo, clients=3, seconds=0.3, texts=texts)
    asked = int(next(texts).split()[1])
    assert len(outcome.waits) == asked - 1
    assert [fault[:4] for fault in outcome.faults] == ["503:"]
    assert 0.3 <= outcome.seconds < 5
    assert outcome.rate == len(outcome.waits) / outcome.seconds
    assert all(0 < wait < outcome.seconds for wait in outcome.waits)


def test_a_server_that_is_not_there_is_a_fault() -> None:
    outcome = load(1, clients=2, seconds=1, texts=iter(sentences()))
    assert not outcome.waits and len(outcome.faults) == 2


def test_no_two_sentences_are_alike() -> None:
    found = sentences()
    assert len(found) == len(set(found)) > 100_000
    assert {len(text.split()) for text in found[:1000]} == {21}


def test_a_table_and_its_place_in_the_readme() -> None:
    results = [
        {"contender": "Hoiquy", "batch": 1, "ms": 4.321, "times_ours": 1.0},
        {"contender": "other", "batch": 1, "ms": 80.0, "times_ours": 18.51},
        {"contender": "Hoiquy", "batch": 8, "ms": 2.0, "times_ours": 1.0},
    ]
    made = table("rows", results, [("1", {"batch": 1}), ("8", {"batch": 8})], times("ms"))
    assert made.splitlines() == [
        "| rows | 1 | 8 |",
        "| --- | --- | --- |",
        "| Hoiquy | 4.32 ms | 2 ms |",
        "| other | 18.5 |  |",
    ]
    part = f"{made}\n\n(`benchmarks/results/toy.json`: here)"
    old = "Before.\n\n| rows | 1 |\n|---|---|\n| x | 9 |\n\n(`benchmarks/results/toy.json`: there)\n\nAfter.\n"
    assert put(old, "toy", part) == f"Before.\n\n{part}\n\nAfter.\n"
    assert put(put(old, "toy", part), "toy", part) == put(old, "toy", part)
    with pytest.raises(ValueError, match="no table of toy"):
        put("Nothing.", "toy", part)
