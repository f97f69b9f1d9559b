"""The command line: lines and whole files, without a server."""

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import ROOT

from inference.checkpoint import open_checkpoint, write_checkpoint
from inference.cli import main
from inference.lines import LinesError, Predict, claimed, predict_file, predicted, read_lines


def hoiquy(
    toys: Path, *arguments: str | Path, text: str | bytes = "", task: str = "translation"
) -> subprocess.CompletedProcess[bytes]:
    checkpoint = ["--checkpoint", str(toys / "checkpoints" / f"tiny-{task}")] if arguments[0] != "info" else []
    return subprocess.run(
        [sys.executable, "-m", "inference", *map(str, arguments), *checkpoint],
        cwd=ROOT,
        input=text.encode() if isinstance(text, str) else text,
        capture_output=True,
        check=False,
    )


def test_lines_from_standard_input(toys: Path) -> None:
    done = hoiquy(toys, "translate", "--beam-size", "2", text="Good night.\n\nI love you.\n")
    assert (done.returncode, done.stdout.decode()) == (0, "Chúc ngủ ngon.\n\nTôi yêu bạn.\n")
    done = hoiquy(toys, "sentiment", text="The best coffee in town!\nThe worst coffee in town!", task="sentiment")
    assert [line.split("\t")[0] for line in done.stdout.decode().splitlines()] == ["positive", "negative"]


def test_a_program_that_waits_for_each_line_has_it(toys: Path) -> None:
    checkpoint = toys / "checkpoints" / "tiny-translation"
    command = [sys.executable, "-m", "inference", "translate", "--line-buffered", "--checkpoint", str(checkpoint)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin
        assert process.stdout
        for line, translation in (("Good night.", "Chúc ngủ ngon."), ("I love you.", "Tôi yêu bạn.")):
            process.stdin.write(f"{line}\n".encode())
            process.stdin.flush()
            assert select.select([process.stdout], [], [], 30)[0]
            assert process.stdout.readline().decode() == f"{translation}\n"
        process.stdin.close()


def test_what_comes_from_standard_input_may_go_into_a_file(toys: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.txt"
    done = hoiquy(toys, "translate", "-", "-o", out, text="Good night.\n")
    assert (done.returncode, done.stdout, out.read_text()) == (0, b"", "Chúc ngủ ngon.\n")
    again = hoiquy(toys, "translate", "-o", out, text="I love you.\n")
    assert (again.returncode, out.read_text()) == (2, "Chúc ngủ ngon.\n")
    # Stopped half-way, or at fault: there is no such file, and the same command begins anew.
    broken = tmp_path / "broken.txt"
    assert hoiquy(toys, "translate", "-o", broken, text=b"Good night.\n" * 200 + b"\xff\n").returncode == 2
    assert not broken.exists()
    assert hoiquy(toys, "translate", "-o", broken, text="Good night.\n").returncode == 0
    assert broken.read_text() == "Chúc ngủ ngon.\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["broken.txt", "out.txt"]


@pytest.mark.parametrize(("command", "name", "goes_on"), [("sentiment", "a.txt", True), ("translate", "a.md", False)])
def test_who_stops_it_is_told_whether_it_goes_on(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: str,
    name: str,
    goes_on: bool,
) -> None:
    def stopped(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    for each in ("open_checkpoint", "TranslationPredictor.load"):
        monkeypatch.setattr(f"inference.cli.{each}", stopped)
    assert main([command, str(tmp_path / name)]) == 130
    assert capsys.readouterr().err == "stopped" + "; the same command goes on where it was" * goes_on + "\n"


def test_a_text_is_no_file(toys: Path) -> None:
    done = hoiquy(toys, "translate", "I love you.")
    assert done.returncode == 2
    assert "there is no file 'I love you.'" in done.stderr.decode()
    assert "echo 'I love you.' | hoiquy" in done.stderr.decode()
    version = subprocess.run(
        [sys.executable, "-m", "inference", "--version"], cwd=ROOT, capture_output=True, check=True
    )
    assert version.stdout.startswith(b"hoiquy ")


def test_many_lines_on_several_cores_keep_their_order(toys: Path) -> None:
    lines = ["Good night.", "I love you."] * 200
    done = hoiquy(toys, "translate", "--processes", "2", text="\n".join(lines))
    assert done.returncode == 0, done.stderr
    assert done.stdout.decode().splitlines() == ["Chúc ngủ ngon.", "Tôi yêu bạn."] * 200


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_an_end_by_force_ends_all_processes(toys: Path, how: signal.Signals) -> None:
    checkpoint = toys / "checkpoints" / "tiny-translation"
    command = [sys.executable, "-m", "inference", "translate", "--processes", "2", "--checkpoint", str(checkpoint)]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin
    assert process.stdout
    process.stdin.write(b"Good night.\n" * 64 * 12)
    process.stdin.flush()
    assert process.stdout.readline() == "Chúc ngủ ngon.\n".encode()
    process.send_signal(how)
    # The others hold its output too: it ends with the last of them.
    until = time.monotonic() + 20
    while select.select([process.stdout], [], [], 1)[0] and os.read(process.stdout.fileno(), 65536):
        assert time.monotonic() < until
    assert time.monotonic() < until
    process.stdin.close()
    process.stdout.close()
    assert process.wait(10) == (-how if how == signal.SIGKILL else 130)


def test_a_file_of_lines(toys: Path, tmp_path: Path) -> None:
    source, glossary = tmp_path / "en.txt", tmp_path / "terms.tsv"
    source.write_bytes(b"\xef\xbb\xbfGood night.\r\nI love Y.\r\n")
    glossary.write_text("Y\tZZ\n")
    done = hoiquy(toys, "translate", source, "--glossary", glossary)
    assert (done.returncode, done.stdout.decode().strip()) == (0, str(tmp_path / "en.vi.txt"))
    first, second = (tmp_path / "en.vi.txt").read_text().splitlines()
    assert first == "Chúc ngủ ngon."
    assert "ZZ" in second
    assert sorted(path.name for path in tmp_path.iterdir()) == ["en.txt", "en.vi.txt", "terms.tsv"]
    again = hoiquy(toys, "translate", source)
    assert (again.returncode, b"is there already" in again.stderr) == (2, True)


def test_a_whole_document(toys: Path, tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("# Good night.\n\n`x` \n\n- I love you.\n")
    done = hoiquy(toys, "translate", tmp_path / "a.md", "-o", tmp_path / "b.md")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "b.md").read_text() == "# Chúc ngủ ngon.\n\n`x` \n\n- Tôi yêu bạn.\n"


def test_a_file_of_another_name_is_lines_when_asked(toys: Path, tmp_path: Path) -> None:
    for name in ("a.csv", "b"):
        (tmp_path / name).write_text("Good night.\n")
    done = hoiquy(toys, "translate", tmp_path / "a.csv", "--lines")
    assert (done.returncode, (tmp_path / "a.vi.csv").read_text()) == (0, "Chúc ngủ ngon.\n")
    assert hoiquy(toys, "translate", tmp_path / "b").stdout.decode().strip() == str(tmp_path / "b.vi")


def test_what_fails_leaves_nothing(toys: Path, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"Good night.\n" * 100 + b"\xff\n")
    (tmp_path / "a.md").write_text("Good night.\n")
    done = hoiquy(toys, "translate", tmp_path / "a.txt", "--processes", "1")
    assert (done.returncode, f"{tmp_path}/a.txt: line 101 is not UTF-8" in done.stderr.decode()) == (2, True)
    assert hoiquy(toys, "translate", tmp_path / "a.md", "--beam-size", "0").returncode == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.md", "a.txt"]


def test_a_result_has_the_name_of_its_language(toys: Path, tmp_path: Path) -> None:
    checkpoint = open_checkpoint(toys / "checkpoints" / "tiny-translation")
    files = {name: checkpoint.read(name) for name in checkpoint.hashes}
    config = {**checkpoint.config, "source_language": "vi", "target_language": "xx"}
    write_checkpoint(tmp_path / "other", config, files)
    for name in ("a.txt", "a.md"):
        (tmp_path / name).write_text("Good night.\n")
        assert main(["translate", str(tmp_path / name), "--checkpoint", str(tmp_path / "other")]) == 0
    assert {"a.xx.txt", "a.xx.md"} < {path.name for path in tmp_path.iterdir()}


@pytest.mark.parametrize(
    ("arguments", "text", "warning"),
    [
        ([], "Bonjour tout le monde, comment allez-vous ?\n" * 3, "warning: this looks like French"),
        ([], "toi yeu ban rat nhieu\n", "warning: this looks like Vietnamese, and was read as if it were English"),
        (["--format", "html"], "<p class='le monde des'>Good night.</p>\n", ""),
        (["a.md"], "# Das Wetter ist heute sehr schön.\n", "warning: this looks like German"),
        (["a.txt"], "I love you.\n", ""),
    ],
)
def test_a_text_in_another_language_is_told(
    toys: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    arguments: list[str],
    text: str,
    warning: str,
) -> None:
    (tmp_path / "input").write_text(text)
    monkeypatch.chdir(tmp_path)
    for name in arguments[-1:]:
        Path(name).write_text(text)
    with (tmp_path / "input").open() as file:
        monkeypatch.setattr(sys, "stdin", file)
        assert main(["translate", *arguments, "--checkpoint", str(toys / "checkpoints" / "tiny-translation")]) == 0
    said = capfd.readouterr().err
    assert said.count("warning") == bool(warning)
    assert warning in said


def test_what_is_served_is_found_from_anywhere(tmp_path: Path) -> None:
    code = (
        "import os; from inference import cli; cli.os.execv = lambda *_: print(*map(os.environ.get, "
        "['HOIQUY_TRANSLATION', 'HOIQUY_SENTIMENT', 'HOIQUY_PORT'])); cli.main(['serve', '--port', '81'])"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "HOIQUY_SENTIMENT": "mine"}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == f"{ROOT}/checkpoints/translation-en-vi mine 81\n"


def test_html_lines(toys: Path) -> None:
    done = hoiquy(toys, "translate", "--format", "html", text="<p>Good night.</p>")
    assert done.stdout.decode() == "<p>Chúc ngủ ngon.</p>\n"


def test_what_came_with_the_code_is_found_from_anywhere(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-m", "inference", "info"], cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert f"{ROOT}/checkpoints/translation-en-vi: translation-en-vi" in done.stdout.decode()


def test_info(toys: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", str(toys / "checkpoints" / "tiny-translation")]) == 0
    said = capsys.readouterr().out
    assert "tiny-translation, translation, version " in said
    assert "bleu" in said


@pytest.mark.parametrize(
    ("arguments", "text", "message"),
    [
        (["translate", "--checkpoint", "nowhere"], b"", "nowhere is no checkpoint"),
        (["translate", "/nowhere/a.txt"], b"", "/nowhere/a.txt"),
        (
            ["translate"],
            b"ok\n\xff\n",
            "standard input: line 2 is not UTF-8 (invalid start byte at byte 0): save it so",
        ),
        (["translate", "--beam-size", "0"], b"x", "beam_size is 0"),
        (["translate", "--processes", "0"], b"x", "--processes is 0"),
        (["translate", "--glossary", "README.md"], b"x", "is no term and its translation"),
        (["translate", "README.md", "--format", "html"], b"", "--format is of lines"),
        (["translate", "a.pdf"], b"", "a.pdf: .pdf is no kind of file that is read here: .txt, .md"),
        (["translate", "a.txt", "--line-buffered"], b"", "--line-buffered is of standard input, and a.txt is a file"),
        (["translate", "a.csv"], b"", "with --lines it is read as lines"),
        (["translate", "-o", "README.md"], b"x", "README.md is there already: remove it"),
        (["sentiment", "--processes", "2"], b"x\n" * 200, "is for 'translation', not 'sentiment'"),
    ],
)
def test_what_cannot_be_done_is_said(toys: Path, arguments: list[str], text: bytes, message: str) -> None:
    extra = [] if "--checkpoint" in arguments else ["--checkpoint", str(toys / "checkpoints" / "tiny-translation")]
    command = [sys.executable, "-m", "inference", *arguments, *extra]
    done = subprocess.run(command, cwd=ROOT, input=text, capture_output=True, check=False)
    assert done.returncode == 2
    assert message in done.stderr.decode()
    assert b"Traceback" not in done.stderr


def test_a_reader_that_has_enough_is_no_fault(toys: Path) -> None:
    checkpoint = toys / "checkpoints" / "tiny-translation"
    command = (
        f"yes 'Good night.' | head -300 | {sys.executable} -m inference translate --checkpoint {checkpoint} | head -1"
    )
    done = subprocess.run(command, shell=True, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("Chúc ngủ ngon.\n", "")


def shouting() -> Predict:
    return lambda lines: [line.upper() for line in lines]


def slow_shouting() -> Predict:
    def predict(lines: list[str]) -> list[str]:
        time.sleep(0.05)
        return [line.upper() for line in lines]

    return predict


def test_what_was_begun_is_gone_on_with(tmp_path: Path) -> None:
    source, target = tmp_path / "a.txt", tmp_path / "b.txt"
    lines = [f"line {i}" for i in range(1000)]
    source.write_text("\n".join(lines) + "\n")
    code = (
        "from pathlib import Path; from test_cli import slow_shouting; from inference.lines import predict_file;"
        f"predict_file(Path({str(source)!r}), Path({str(target)!r}), {{'x': 1}}, slow_shouting, 1)"
    )
    path = f"{ROOT}:{ROOT / 'tests'}"
    with subprocess.Popen([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": path}, stderr=-3) as running:
        partial = tmp_path / "b.txt.partial"
        while not (partial.exists() and partial.stat().st_size > 1000):
            time.sleep(0.01)
        running.send_signal(signal.SIGKILL)
    assert not target.exists()
    begun = partial.read_bytes()
    partial.write_bytes(begun[:-3])  # half a line
    with pytest.raises(LinesError, match="in another way"):
        predict_file(source, target, {"x": 2}, shouting, 1)
    predict_file(source, target, {"x": 1}, shouting, 1)
    assert target.read_text().splitlines() == [line.upper() for line in lines]
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a.txt", "b.txt"]


def test_two_processes_do_not_write_one_file(tmp_path: Path) -> None:
    source, target = tmp_path / "a.txt", tmp_path / "b.txt"
    source.write_text("line\n")
    code = (
        "import time; from pathlib import Path; from inference.lines import claimed\n"
        f"with claimed(Path({str(target)!r})): print('mine', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE) as running:
        assert running.stdout
        assert running.stdout.readline() == b"mine\n"
        with pytest.raises(LinesError, match="is being written by another process"):
            predict_file(source, target, {}, shouting, 1)
        running.send_signal(signal.SIGKILL)
    predict_file(source, target, {}, shouting, 1)
    assert target.read_text() == "LINE\n"
    with pytest.raises(LinesError, match="is there already"), claimed(target):
        pass
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a.txt", "b.txt"]


def test_a_file_that_ends_while_another_process_waits_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "b.txt"

    def ended(*_: int) -> None:
        (tmp_path / "b.txt.partial").rename(target)

    (tmp_path / "b.txt.partial").write_text("whole\n")
    monkeypatch.setattr("fcntl.flock", ended)
    with pytest.raises(LinesError, match="is there already"), claimed(target):
        pass
    assert target.read_text() == "whole\n"
    assert [each.name for each in tmp_path.iterdir()] == ["b.txt"]


def test_other_lines_are_not_mixed_in(tmp_path: Path) -> None:
    source, target = tmp_path / "a.txt", tmp_path / "b.txt"
    source.write_text("a\nb\n")

    def broken() -> Predict:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        predict_file(source, target, {}, broken, 1)
    source.write_text("c\nb\n")
    with pytest.raises(LinesError, match="from other lines"):
        predict_file(source, target, {}, shouting, 1)


def test_lines_are_not_all_read_at_once() -> None:
    read = 0

    def endless() -> Iterator[str]:
        nonlocal read
        while True:
            read += 1
            yield f"line {read}"

    lines = predicted(endless(), shouting, 2, together=4)
    assert [next(lines) for _ in range(8)] == [f"LINE {i}" for i in range(1, 9)]
    assert read < 100
    lines.close()  # type: ignore[attr-defined]  # it is a generator


def test_lines_of_every_end() -> None:
    assert list(read_lines([b"\xef\xbb\xbfa\n", b"b\r\n", b"\n", b"\xef\xbb\xbfc"], "a")) == ["a", "b", "", "\ufeffc"]
    assert list(read_lines([b"\xff\n", b"b\n"], "a", skipped=1)) == ["b"]
