"""`python -m benchmarks.peers.argos FOLDER LENGTH`: the packages that LibreTranslate translates with, made here.

A Transformer-base, int8, with random weights, for English into Vietnamese; it ends every sentence after LENGTH tokens.
What cuts a text into sentences is a graph that finds no cut, since requests are single sentences: LibreTranslate has
that work for nothing. A second package, of the other direction, keeps the server from asking the internet for one.
"""

import json
import sys
from pathlib import Path
from shutil import copyfile

import onnx
import sentencepiece
from onnx import TensorProto, helper

from benchmarks.measuring import ROOT
from benchmarks.peers.transformer import SHAPES, save, words

SOURCE = ROOT / "tokenizers" / "translation-en-vi" / "source.model"
LANGUAGES = {"en": "English", "vi": "Vietnamese"}


def splitter() -> onnx.ModelProto:
    """A graph with the ends of MiniSBD's: each character of a text is within a sentence, `(B, S) -> (B, S, 5)`."""
    units = helper.make_tensor_value_info("units", TensorProto.INT64, ("B", "S"))
    features = helper.make_tensor_value_info("features", TensorProto.FLOAT, ("B", "S", "F"))
    labels = helper.make_tensor_value_info("labels", TensorProto.INT64, ("B", "S", 5))
    nodes = [
        helper.make_node("Unsqueeze", ["units", "last"], ["wide"]),
        helper.make_node("Mul", ["wide", "row"], ["labels"]),
    ]
    constants = [
        helper.make_tensor("last", TensorProto.INT64, [1], [2]),
        # The identifiers of characters are 1 and more: the first of five labels is the likeliest.
        helper.make_tensor("row", TensorProto.INT64, [5], [1, 0, 0, 0, 0]),
    ]
    graph = helper.make_graph(nodes, "splitter", [units, features], [labels], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    known = {"lang": "en", "idx": 0, "cutoff": 0, "lower": False, "_unit2id": {"<PAD>": 0, "<UNK>": 1}}
    helper.set_model_props(model, {"config": json.dumps({"batch_size": 1}), "vocab": json.dumps(known)})
    return model


def build(folder: Path, source: str, target: str, length: int) -> None:
    """Write a package."""
    (folder / "minisbd").mkdir(parents=True)
    onnx.save(splitter(), folder / "minisbd" / "splitter.onnx")
    copyfile(SOURCE, folder / "sentencepiece.model")
    pieces = sentencepiece.SentencePieceProcessor(model_file=str(SOURCE))
    vocabulary = words([pieces.id_to_piece(i) for i in range(len(pieces))])
    (folder / "model").mkdir()
    save(folder / "model", SHAPES["base"], vocabulary, length)
    metadata = {
        "package_version": "1.0",
        "argos_version": "1.0",
        "from_code": source,
        "from_name": LANGUAGES[source],
        "to_code": target,
        "to_name": LANGUAGES[target],
    }
    (folder / "metadata.json").write_text(json.dumps(metadata))


if __name__ == "__main__":
    for pair in (("en", "vi"), ("vi", "en")):
        build(Path(sys.argv[1]) / "_".join(pair), *pair, int(sys.argv[2]))
