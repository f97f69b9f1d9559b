"""Every member of the family serves: a translator and a classifier of each cell answer over HTTP what torch says."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.request import Request, urlopen

import numpy as np
import pytest
import torch
from flask import Flask
from werkzeug.serving import make_server

from inference.checkpoint import open_checkpoint, write_checkpoint
from inference.decoding import DecodeConfig
from inference.spans import mark
from inference.text import begun_like
from inference.tokenizer import END, Tokenizer, pad
from service.app import create_app
from service.settings import Settings
from training.cells import CELLS, EchoState
from training.classifier import ClassifierConfig, SentimentClassifier
from training.graphs import classifier_graph, encoder_graph, step_graph
from training.noise import Noise, NoiseConfig
from training.seq2seq import Seq2Seq, Seq2SeqConfig
from training.tasks import TranslationTask

TEXTS = ["I love you.", "How old are you?", "The best coffee in town!"]


def randomised(model: torch.nn.Module) -> dict[str, np.ndarray]:
    """Weights that matter everywhere, and no two of them alike; a reservoir with a leak."""
    torch.manual_seed(5)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    for module in model.modules():
        if isinstance(module, EchoState):
            module.settle(radius=0.9, leak=0.3)
    model.eval()
    return {name: t.detach().numpy() for name, t in model.state_dict().items()}


@contextmanager
def served(app: Flask) -> Iterator[str]:
    """The address at which a socket answers for the application."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()


def post(url: str, body: dict[str, Any]) -> Any:
    request = Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urlopen(request) as response:
        return json.load(response)


@pytest.mark.parametrize("cell", CELLS)
def test_a_translator_and_a_classifier_answer_as_in_torch(toys: Path, tmp_path: Path, cell: str) -> None:
    toy = open_checkpoint(toys / "checkpoints" / "tiny-translation", "translation")
    source, target = (Tokenizer(toy.read(f"{side}.model")) for side in ("source", "target"))
    shape = Seq2SeqConfig(cell=cell, embedding=12, hidden=16, heads=2)
    translator = Seq2Seq(shape, len(source), len(target))
    tensors = randomised(translator)
    files = {name: toy.read(name) for name in ("source.model", "target.model")} | {
        "encoder.onnx": encoder_graph(shape, tensors, 4.0, int8=False),
        "step.onnx": step_graph(shape, tensors, 4.0, 8.0, int8=False),
    }
    # Untrained, so it never ends by itself; what it says up to the bound is compared.
    decode = DecodeConfig(length_factor=1.0, length_margin=3, retry_beam_size=1)
    write_checkpoint(tmp_path / "translator", {**toy.config, "model": asdict(shape), "decode": asdict(decode)}, files)

    toy = open_checkpoint(toys / "checkpoints" / "tiny-sentiment", "sentiment")
    form = ClassifierConfig(cell=cell, embedding=12, hidden=10, layers=2)
    tokenizer = Tokenizer(toy.read("tokenizer.model"))
    classifier = SentimentClassifier(form, len(tokenizer), 2)
    graph = classifier_graph(form, randomised(classifier), int8=False)
    config = {**toy.config, "model": asdict(form), "temperatures": {}}
    write_checkpoint(
        tmp_path / "classifier", config, {"tokenizer.model": toy.read("tokenizer.model"), "classifier.onnx": graph}
    )

    app = create_app(Settings(translation=tmp_path / "translator", sentiment=tmp_path / "classifier"))
    with served(app) as url:
        said = post(f"{url}/translate", {"text": TEXTS})["translations"]
        found = post(f"{url}/sentiment", {"text": TEXTS})["results"]
    task = TranslationTask(translator, source, target, 0.0, decode, Noise(NoiseConfig(), "en", "vi"))
    expected_texts = [
        begun_like(mark(source, "").ended(text), source)
        for text, source in zip(task.translate(TEXTS), TEXTS, strict=True)
    ]
    assert [translation["text"] for translation in said] == expected_texts

    ids, lengths = pad([[*row, END] for row in tokenizer.encode(TEXTS)])
    with torch.inference_mode():
        expected = classifier(torch.from_numpy(ids), torch.from_numpy(lengths)).softmax(-1).numpy()
    shares = [[result["scores"][label] for label in config["labels"]] for result in found]
    np.testing.assert_allclose(shares, expected, atol=1e-4)
