# SPDX-License-Identifier: Apache-2.0
"""The carried model on its 450 test pictures: accuracy, and the bytes of TensorFlow Lite Micro for every op output."""
import pathlib
import tempfile
import unittest

import program

DIGITS = program.ROOT / "examples/digits"
PICTURES = 450
# SHA-256 of what TensorFlow Lite Micro (PyPI tflite-micro 0.dev20261023182759, reference kernels) answers to the 450 pictures in
# order: the outputs; the inputs of the softmax; and all op outputs, picture by picture.
OUTPUTS = "ecac2749c2c5cddbc6101911c5056dfc709d88325525e90632b9490840088e25"
BEFORE_SOFTMAX = "04450e9ea36802bebb04ed737af13bf8aed3fc41df272c25b0fd140c5d8f2897"
ALL_OPS = "ea5720ee974fd69fe63bf37f70cdb21768fbcc8ec016be898bee56b3363ea836"


class Digits(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.folder = tempfile.TemporaryDirectory()
        folder = pathlib.Path(cls.folder.name)
        pixels = (DIGITS / "test_set.bin").read_bytes()
        raw = folder / "test_set.raw"
        raw.write_bytes(bytes(b ^ 0x80 for b in pixels))            # int8 = byte - 128
        cls.text = program.lockstep("run", DIGITS / "digits.tflite", raw, "--dump", folder / "ops")
        cls.ops = program.dumped(folder / "ops")

    @classmethod
    def tearDownClass(cls) -> None:
        cls.folder.cleanup()

    def test_accuracy(self) -> None:
        labels = (DIGITS / "test_labels.bin").read_bytes()
        scores = [b ^ 0x80 for b in self.ops[-1]]
        rows = [scores[10 * i:10 * i + 10] for i in range(PICTURES)]
        right = sum(row.index(max(row)) == label for row, label in zip(rows, labels, strict=True))
        self.assertEqual(right, 450)

    def test_outputs_are_those_of_tflite_micro(self) -> None:
        self.assertEqual(program.sha256(self.ops[-1]), OUTPUTS)
        self.assertEqual(program.digests(self.text)["output 0"], OUTPUTS)
        self.assertEqual(program.sha256(self.ops[-2]), BEFORE_SOFTMAX)

    def test_every_op_is_that_of_tflite_micro(self) -> None:
        self.assertEqual(len(self.ops), 12)
        sizes = [len(op) // PICTURES for op in self.ops]
        pictures = (op[size * i:size * (i + 1)] for i in range(PICTURES) for op, size in zip(self.ops, sizes))
        self.assertEqual(program.sha256(b"".join(pictures)), ALL_OPS)


if __name__ == "__main__":
    program.main()
