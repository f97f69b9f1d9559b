"""JoeyNMT trains: `{"batches": [[sources, targets]], "vocabularies": [8000, 5000], "sizes": {...}, "bf16": false}`.

Rows are ids of ours, end tokens included. A piece of work is an update for each batch: as JoeyNMT's own training does
them, through its model, loss and optimiser, but with batches that are ready, so that it need not read or tokenise.
"""

from types import SimpleNamespace
from typing import Any

import torch
from joeynmt.batch import Batch
from joeynmt.builders import build_gradient_clipper, build_optimizer
from joeynmt.model import build_model
from joeynmt.vocabulary import Vocabulary
from torch import Tensor

from benchmarks.peers.answering import Work, answer

UNKNOWN, PAD, BEGIN, END = range(4)
"""JoeyNMT's ids; ours have the first two the other way round."""
SPECIAL = SimpleNamespace(
    **{"unk_token": "<unk>", "pad_token": "<pad>", "bos_token": "<s>", "eos_token": "</s>", "sep_token": None},
    **{"unk_id": UNKNOWN, "pad_id": PAD, "bos_id": BEGIN, "eos_id": END, "sep_id": None, "lang_tags": []},
)
CPU = torch.device("cpu")


def padded(rows: list[list[int]]) -> Tensor:
    """Rows of our ids as `(B, S)` of theirs."""
    swapped = [torch.tensor([{0: 1, 1: 0}.get(token, token) for token in row]) for row in rows]
    return torch.nn.utils.rnn.pad_sequence(swapped, batch_first=True, padding_value=PAD)


def batch_of(sources: list[list[int]], targets: list[list[int]]) -> Batch:
    """A batch of theirs, sorted by length as their encoder wants it."""
    made = Batch(
        src=padded(sources),
        src_length=torch.tensor([len(row) for row in sources]),
        src_prompt_mask=None,
        trg=padded([[BEGIN, *row] for row in targets]),
        trg_prompt_mask=None,
        indices=torch.arange(len(sources)),
        device=CPU,
        pad_index=PAD,
        eos_index=END,
    )
    made.sort_by_src_length()
    return made


def model_of(vocabularies: list[int], embedding: int, hidden: int, layers: int, dropout: float) -> torch.nn.Module:
    """Their encoder and decoder in our sizes, with their defaults for the rest: input feeding, Luong's attention."""
    vocabulary = [Vocabulary([f"w{i}" for i in range(size - 4)], SPECIAL) for size in vocabularies]
    side: dict[str, Any] = {
        "type": "recurrent",
        "rnn_type": "lstm",
        "num_layers": layers,
        "dropout": dropout,
        "embeddings": {"embedding_dim": embedding, "dropout": dropout},
    }
    config = {
        "tied_softmax": True,
        "encoder": {**side, "hidden_size": hidden // 2, "bidirectional": True},
        "decoder": {**side, "hidden_size": hidden, "hidden_dropout": dropout, "attention": "luong"},
    }
    model = build_model(config, *vocabulary)
    model.loss_function = ("crossentropy", 0.1)
    return model.train()


def prepare(batches: list[list[Any]], vocabularies: list[int], sizes: dict[str, Any], bf16: bool) -> Work:
    """What trains on the batches, one after the other."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    model = model_of(vocabularies, **sizes)
    optimiser = build_optimizer({"optimizer": "adamw", "learning_rate": 1e-4}, model.parameters())
    clip = build_gradient_clipper({"clip_grad_norm": 1.0, "clip_grad_val": None})
    ready = [batch_of(*batch) for batch in batches]

    def work() -> None:
        for batch in ready:
            with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
                loss, *_ = model(return_type="loss", **vars(batch))
            batch.normalize(loss, "tokens").backward()
            clip(parameters=model.parameters())
            optimiser.step()
            model.zero_grad()

    return work


if __name__ == "__main__":
    answer(prepare, ["joeynmt", "torch"])
