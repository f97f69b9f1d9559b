"""A translator's weights from its int8 graphs: the same translations, and the same graphs again."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from inference.checkpoint import Checkpoint, write_checkpoint
from inference.tokenizer import END, pad
from training.errors import InputError
from training.graphs import encoder_graph, step_graph
from training.recovery import recovered
from training.seq2seq import Seq2Seq, Seq2SeqConfig

CONFIG = Seq2SeqConfig(embedding=12, hidden=16, encoder_layers=2, decoder_layers=3, heads=2)
VALUES, READOUT = 4.0, 8.0


def translator(config: Seq2SeqConfig) -> Seq2Seq:
    torch.manual_seed(3)
    model = Seq2Seq(config, 40, 50)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return model.eval()


def exported(model: Seq2Seq, folder: Path, *, int8: bool = True) -> Checkpoint:
    tensors = {name: t.numpy() for name, t in model.state_dict().items()}
    graphs = {
        "encoder.onnx": encoder_graph(model.config, tensors, VALUES, int8=int8),
        "step.onnx": step_graph(model.config, tensors, VALUES, READOUT, int8=int8),
    }
    return write_checkpoint(folder, {"task": "translation", "int8": int8}, graphs)


@torch.inference_mode()
def log_probs(model: Seq2Seq) -> np.ndarray:
    """Of three steps of two rows `(3, 2, V)`."""
    source, lengths = map(torch.from_numpy, pad([[7, 5, 9, 30, 4, END], [11, END]]))
    state, outputs = model.encode(source, lengths), []
    for step in range(3):
        output, state = model.step(torch.tensor([2, 6 + step]), state)
        outputs.append(output)
    return torch.stack(outputs).numpy()


@pytest.mark.parametrize("bidirectional", [True, False])
def test_the_weights_of_a_graph_say_the_same(tmp_path: Path, bidirectional: bool) -> None:
    config = replace(CONFIG, bidirectional=bidirectional)
    model = translator(config)
    again = Seq2Seq(config, 40, 50).eval()
    again.load_state_dict(recovered(exported(model, tmp_path), config))
    # Seven bits of each weight: what is lost is what serving loses.
    difference = np.abs(log_probs(again) - log_probs(model))
    assert difference.mean() < 0.05
    shuffled = Seq2Seq(config, 40, 50).eval()
    assert np.abs(log_probs(shuffled) - log_probs(model)).mean() > 10 * difference.mean()


def test_neighbouring_matrices_are_alike_in_size(tmp_path: Path) -> None:
    tensors = recovered(exported(translator(CONFIG), tmp_path), CONFIG)
    upper = tensors["decoder.cells.1.weight_ih"]
    sizes = [t.pow(2).mean().sqrt().item() for t in (*upper.split(16, dim=1), tensors["decoder.cells.0.weight_ih"])]
    assert sizes == pytest.approx([sizes[0]] * 3, rel=1e-3)


@pytest.mark.parametrize(("config", "int8"), [(CONFIG, False), (replace(CONFIG, cell="gru"), True)])
def test_other_graphs_are_refused(tmp_path: Path, config: Seq2SeqConfig, int8: bool) -> None:
    checkpoint = exported(translator(config), tmp_path, int8=int8)
    with pytest.raises(InputError, match=f"cannot be read off its graphs: .* int8 {int8}, cell {config.cell}"):
        recovered(checkpoint, config)
