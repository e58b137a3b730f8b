#!/usr/bin/env python3
"""An independent oracle for the tokenizer: the `regex` module, and none of assay's code.

    bpe.py PRINT_TOKENS DATA           asks the program PRINT_TOKENS; DATA has text.txt, vocab.json, merges.txt
    bpe.py PRINT_TOKENS DATA FOLDER    encodes with the vocab.json and merges.txt of FOLDER

Compared are: the class (letter, number, white space, other) of every code point of Unicode; the pieces and
the ids of many texts, some of them not UTF-8; and, byte for byte, the vocabulary that DATA/text.txt gives. Exit 1
and the first differences if any differs; `not run` and exit 77 where Python has no `regex`.

A byte that is in no well-formed character is a piece of its own: assay's rule, since the published
tokenizer takes no such texts. A code point that one of the two Unicodes has not assigned yet may differ:
it is counted, and left out of the texts.
"""

import collections
import json
import pathlib
import random
import subprocess
import sys
import tempfile

try:
    import regex
except ImportError:
    print("not run: bpe.py needs the Python module regex: apt install python3-regex, or pip install regex")
    sys.exit(77)

# As it was published with GPT-2.
PATTERN = regex.compile(r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+")
ESCAPED = regex.compile("[\udc80-\udcff]")  # what Python makes of a byte that is in no character
PRINTABLE = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
CHARACTER = {byte: chr(byte) for byte in PRINTABLE}
CHARACTER.update({byte: chr(0x100 + i) for i, byte in enumerate(b for b in range(256) if b not in PRINTABLE)})
SCALARS = [*range(0xD800), *range(0xE000, 0x110000)]


def pieces(data):
    text = data.decode("utf-8", "surrogateescape")
    at = 0
    for escaped in [*ESCAPED.finditer(text), None]:
        for piece in PATTERN.findall(text[at : escaped.start() if escaped else None]):
            yield piece.encode("utf-8")
        if escaped:
            yield escaped.group().encode("utf-8", "surrogateescape")
            at = escaped.end()


def merged(word, pair):
    """`word` with every `pair` in it, from left to right, made one."""
    out, i = [], 0
    while i < len(word):
        here = tuple(word[i : i + 2]) == pair
        out.append(pair[0] + pair[1] if here else word[i])
        i += 2 if here else 1
    return out


class Tokenizer:
    def __init__(self, folder):
        self.ids = json.loads((folder / "vocab.json").read_text(encoding="utf-8"))
        lines = (folder / "merges.txt").read_text(encoding="utf-8").split("\n")[1:]
        self.ranks = {tuple(line.split(" ")): rank for rank, line in enumerate(lines) if line}
        self.known = {}

    def word(self, piece):
        symbols = [CHARACTER[byte] for byte in piece]
        while True:
            best = min(zip(symbols, symbols[1:]), key=lambda pair: self.ranks.get(pair, len(self.ranks)), default=None)
            if best not in self.ranks:
                return [self.ids[symbol] for symbol in symbols]
            symbols = merged(symbols, best)

    def encode(self, data):
        ids = []
        for piece in pieces(data):
            if piece not in self.known:
                self.known[piece] = self.word(piece)
            ids += self.known[piece]
        return ids


def train(data, size):
    """The lines of vocab.json and of merges.txt."""
    tokens = [CHARACTER[byte] for byte in sorted(CHARACTER, key=CHARACTER.get)]
    ids = {token: i for i, token in enumerate(tokens)}
    words = [([CHARACTER[byte] for byte in piece], n) for piece, n in collections.Counter(pieces(data)).items()]
    merges = []
    while len(tokens) < size - 1:
        counts = collections.Counter()
        for word, n in words:
            for pair in zip(word, word[1:]):
                counts[pair] += n
        left, right = min(counts, key=lambda pair: (-counts[pair], ids[pair[0]], ids[pair[1]]))
        merges.append(f"{left} {right}")
        if left + right not in ids:
            ids[left + right] = len(tokens)
            tokens.append(left + right)
        words = [(merged(word, (left, right)), n) for word, n in words]
    tokens.append("<|endoftext|>")
    entries = ",\n".join(f"{json.dumps(token, ensure_ascii=False)}: {i}" for i, token in enumerate(tokens))
    return "{\n" + entries + "\n}\n", "".join(line + "\n" for line in ["#version: 0.2", *merges])


def classes():
    """Of every scalar value, as the program names them."""
    text, found = "".join(map(chr, SCALARS)), bytearray(b"o" * len(SCALARS))
    for name, pattern in ((b"u", r"\p{Cn}+"), (b"l", r"\p{L}+"), (b"n", r"\p{N}+"), (b"s", r"\s+")):
        for match in regex.finditer(pattern, text):
            found[match.start() : match.end()] = name * (match.end() - match.start())
    return found.decode()


def compare_classes(answers, different):
    """The code points whose class both Unicodes agree on."""
    newer, agreed = 0, []
    for value, theirs, ours in zip(SCALARS, answers, classes(), strict=True):
        if ours.replace("u", "o") == theirs.replace("u", "o"):
            agreed.append(value)
        elif "u" in (ours, theirs):
            newer += 1
        else:
            different.append(f"U+{value:04X} is of class {theirs}, regex has {ours}")
    print(f"{len(SCALARS):8} code points compared; {newer} of them assigned in the newer Unicode only")
    return agreed


FRAGMENTS = (
    "the| the| that|dedicated|x|aaaa| |  |   |\n|\n\n|\t|\r\n|'s|'t|'re|'ve|'m|'ll|'d|'|''|'S|'Re|’s|\x0b|\x1c|\x85|\xa0|\u180e|\u200b|"
    "\u2028|\u3000|0|12|3.14|½|Ⅷ|٣|.|...|,|!?|--|()|{};|é|e\u0301|größe|ß|Ядро|核心|計算|🙂|👍🏽|\u200d|<|endoftext|>|<|endoftext|>"
).split("|")
BROKEN = [b"\xc3", b"\xe6\xa0", b"\xf0\x9f\x99", b"\x80", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xff", b"\0"]


def texts(data, agreed):
    random.seed(5)
    yield data
    yield from data.split(b"\n")
    for value in [*range(0x300), *random.sample(agreed, 3000)]:
        c = chr(value)
        yield f"a{c}{c} {c}1{c}.{c}  {c}'{c}".encode("utf-8")
    for i in range(4000):
        parts = [random.choice(FRAGMENTS).encode("utf-8") for _ in range(random.randrange(30))]
        if i % 2:
            parts.insert(random.randrange(len(parts) + 1), random.choice(BROKEN))
        yield b"".join(parts)
    for _ in range(500):
        yield random.randbytes(random.randrange(40))


def main(words):
    if len(words) not in (2, 3):
        sys.exit(__doc__)
    program, data = words[0], pathlib.Path(words[1])
    vocabulary = pathlib.Path(words[-1])

    def ask(*arguments, text=None):
        return subprocess.run([program, *map(str, arguments)], input=text, text=True, check=True, stdout=subprocess.PIPE).stdout

    different = []
    agreed = compare_classes(ask("classes").strip(), different)
    tokenizer, text = Tokenizer(vocabulary), (data / "text.txt").read_bytes()
    asked = list(texts(text, agreed))
    answers = ask("encode", vocabulary, text="".join(one.hex() + "\n" for one in asked)).splitlines()
    count = 0
    for one, answer in zip(asked, answers, strict=True):
        ours, theirs = tokenizer.encode(one), [[int(word) for word in part.split()] for part in answer.split("/")]
        lengths = [len(piece) for piece in pieces(one)]
        count += len(ours)
        if [ours, lengths] != theirs:
            different.append(f"{one!r} has the ids and lengths {theirs}, regex {[ours, lengths]}")
    print(f"{len(asked):8} texts of {count} ids compared")
    size = len(json.loads((data / "vocab.json").read_text(encoding="utf-8")))
    with tempfile.TemporaryDirectory() as folder:
        ask("train", data / "text.txt", size, folder)
        for name, ours in zip(("vocab.json", "merges.txt"), train(text, size)):
            if ours != (pathlib.Path(folder) / name).read_text(encoding="utf-8"):
                different.append(f"{name} of text.txt differs")
    print(f"{size:8} tokens of a vocabulary compared")
    print(f"{len(different)} different")
    for line in different[:20]:
        print(line)
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
