"""A classifier of DistilBERT's size in ONNX Runtime, int8: `{"rows": 32, "tokens": 200}`.

Random weights; exported by torch and quantised dynamically, per channel, as ONNX Runtime's own tools do it.
"""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import onnxruntime
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from transformers import DistilBertConfig, DistilBertForSequenceClassification

from benchmarks.peers.answering import Work, answer

LONGEST = 512
"""Tokens that the model reads at once."""


class Logits(torch.nn.Module):
    """The classifier as a function of tensors alone."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        config = DistilBertConfig(attn_implementation="eager")  # 6 layers of 768, a vocabulary of 30,522
        self.model = DistilBertForSequenceClassification(config).eval()

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """`ids (B, S)`, `mask (B, S)` -> logits `(B, 2)`."""
        return self.model(input_ids=ids, attention_mask=mask).logits


@cache
def session() -> onnxruntime.InferenceSession:
    """The classifier on one thread."""
    with TemporaryDirectory() as folder:
        exported, quantised = (str(Path(folder) / f"{name}.onnx") for name in ("fp32", "int8"))
        example, names = torch.ones((2, 8), dtype=torch.int64), ["ids", "mask"]
        # What torch's newer exporter writes, the quantiser cannot read; ONNX Runtime's offline fusions made it slower.
        torch.onnx.export(
            Logits().eval(),
            (example, example),
            exported,
            input_names=names,
            dynamic_axes={name: {0: "B", 1: "S"} for name in names},
            dynamo=False,
        )
        quantize_dynamic(exported, quantised, per_channel=True, weight_type=QuantType.QInt8)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        return onnxruntime.InferenceSession(quantised, options, providers=["CPUExecutionProvider"])


def prepare(rows: int, tokens: int) -> Work:
    """What classifies so many texts; those longer than it reads at once come in equal windows."""
    windows = -(-tokens // LONGEST)
    shape = (rows * windows, tokens // windows)
    ids, mask = np.random.default_rng(0).integers(1000, 30_000, size=shape), np.ones(shape, np.int64)
    model = session()

    def work() -> None:
        (found,) = model.run(None, {"ids": ids, "mask": mask})
        assert found.shape == (rows * windows, 2)

    return work


if __name__ == "__main__":
    answer(prepare, ["onnxruntime", "torch", "transformers"])
