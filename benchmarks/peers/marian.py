"""Hugging Face's Marian in torch translates: `{"rows": 16, "read": 22, "written": 25, "beam": 1}`."""

from functools import cache

import torch
from transformers import GenerationConfig, MarianConfig, MarianMTModel

from benchmarks.peers.answering import Work, answer
from benchmarks.peers.transformer import SHAPES, VOCABULARY


@cache
def model() -> MarianMTModel:
    """A Transformer-base in fp32 with random weights."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    shape, pad = SHAPES["base"], VOCABULARY - 1
    config = MarianConfig(
        vocab_size=VOCABULARY,
        d_model=shape.depth,
        encoder_layers=shape.layers[0],
        decoder_layers=shape.layers[1],
        encoder_attention_heads=shape.heads,
        decoder_attention_heads=shape.heads,
        encoder_ffn_dim=shape.feed_forward,
        decoder_ffn_dim=shape.feed_forward,
        max_position_embeddings=512,
        pad_token_id=pad,
        eos_token_id=0,
        decoder_start_token_id=pad,
        forced_eos_token_id=None,
    )
    return MarianMTModel(config).eval()


def prepare(rows: int, read: int, written: int, beam: int) -> Work:
    """What reads and writes so many tokens a row."""
    translator = model()
    ids = torch.randint(1, VOCABULARY - 1, (rows, read), generator=torch.Generator().manual_seed(0))
    how = GenerationConfig(
        num_beams=beam,
        min_new_tokens=written,
        max_new_tokens=written,
        do_sample=False,
        pad_token_id=VOCABULARY - 1,
        eos_token_id=0,
        decoder_start_token_id=VOCABULARY - 1,
    )

    @torch.inference_mode()
    def work() -> None:
        found = translator.generate(ids, attention_mask=torch.ones_like(ids), generation_config=how)
        assert found.shape == (rows, written + 1)

    return work


if __name__ == "__main__":
    answer(prepare, ["torch", "transformers"])
