# SPDX-License-Identifier: Apache-2.0
"""Random models of one op that only moves elements, against the reference kernels of TensorFlow Lite Micro and of LiteRT: equal bytes.

The packages tflite-micro and ai-edge-litert are used where LKS_TFLM_PYTHON and LKS_LITERT_PYTHON name a Python that has them; else this is
skipped, visibly. Model N is a pure function of its seed N. LOCKSTEP_OPS_COUNT and LOCKSTEP_OPS_SEED are those of test_tflm_ops.py.
"""
import collections
import math
import os
import pathlib
import subprocess
import tempfile
import unittest

import program
from test_import import option_table
from test_litert import INTERPRETER
from test_tflm_ops import COUNT, FIRST, ORACLE, Maker, Oracle, inputs_of
from tflite_writer import INT8, INT32, SAME, UINT8, VALID, Model, Op, Scalar, Tensor, write

TFLM, LITERT = os.environ.get("LKS_TFLM_PYTHON"), os.environ.get("LKS_LITERT_PYTHON")

# The protocol of test_tflm_ops.py, with all outputs, one behind the other.
TFLM_ORACLE = ORACLE.replace("        outputs += interpreter.get_output(0).tobytes()\n", """
        for i in range(64):
            try:
                outputs += interpreter.get_output(i).tobytes()
            except IndexError:
                break
""")
LITERT_ORACLE = INTERPRETER + """
def run(model, cases):
    interpreter = Interpreter(model_content=model, **REFERENCE)
    interpreter.allocate_tensors()
    outputs = b""
    for case in cases:
        for details, data in zip(interpreter.get_input_details(), case):
            interpreter.set_tensor(details["index"], numpy.frombuffer(data, details["dtype"]).reshape(details["shape"]))
        interpreter.invoke()
        for details in interpreter.get_output_details():
            outputs += interpreter.get_tensor(details["index"]).tobytes()
    return outputs
""" + "def block():" + ORACLE.partition("def block():")[2].partition("def run(")[0] + "while" + ORACLE.partition("while")[2]


class MoveMaker(Maker):
    """Draws one model; all its tensors have one scale, but for some operands of CONCATENATION."""

    def shape(self, ranks: int = 5, most: int = 5) -> list[int]:
        return [self.random.randint(1, most) for _ in range(self.random.randint(1, ranks))]

    def axis(self, shape: list[int]) -> tuple[int, int]:
        """An axis, and how it is written: from the end, sometimes."""
        axis = self.random.randrange(len(shape))
        return axis, axis - len(shape) if self.chance(0.4) else axis

    def parts(self, extent: int) -> list[int]:
        cuts = sorted(self.random.sample(range(1, extent), min(extent - 1, self.random.randint(0, 3)))) if extent > 1 else []
        return [b - a for a, b in zip([0, *cuts], [*cuts, extent])]

    def concatenation(self) -> Model:
        shape = self.shape(4)
        axis, written = self.axis(shape)
        shape[axis] = self.random.randint(1, 20)
        parts = [Tensor([*shape[:axis], part, *shape[axis + 1:]]) for part in self.parts(shape[axis])]
        return Model([*parts, Tensor(shape)], [Op("CONCATENATION", list(range(len(parts))), [len(parts)], {0: Scalar("i", written)})],
                     inputs=list(range(len(parts))))

    def split(self) -> Model:
        shape, count = self.shape(4), self.random.randint(1, 4)
        axis, written = self.axis(shape)
        part = list(shape)
        shape[axis] *= count
        return Model([Tensor(shape), Tensor([], INT32, None, values=[written]), *(Tensor(part) for _ in range(count))],
                     [Op("SPLIT", [1, 0], list(range(2, 2 + count)), {0: Scalar("i", count)})])

    def split_v(self) -> Model:
        shape = self.shape(4)
        axis, written = self.axis(shape)
        shape[axis] = self.random.randint(1, 20)
        sizes = self.parts(shape[axis])
        tensors = [Tensor([*shape[:axis], size, *shape[axis + 1:]]) for size in sizes]
        stated = [-1 if i == 0 and self.chance(0.3) else size for i, size in enumerate(sizes)]
        return Model([Tensor(shape), Tensor([len(sizes)], INT32, None, values=stated), Tensor([1], INT32, None, values=[written]), *tensors],
                     [Op("SPLIT_V", [0, 1, 2], list(range(3, 3 + len(sizes))), {0: Scalar("i", len(sizes))})])

    def pack(self) -> Model:
        shape, count = self.shape(3), self.random.randint(1, 4)
        axis, written = self.axis([*shape, 1])
        y = [*shape[:axis], count, *shape[axis:]]
        return Model([*(Tensor(shape) for _ in range(count)), Tensor(y)],
                     [Op("PACK", list(range(count)), [count], option_table("count axis", "ii", dict(count=count, axis=written)))],
                     inputs=list(range(count)))

    def unpack(self) -> Model:
        shape = [*self.shape(3), self.random.randint(1, 4)]
        axis, written = self.axis(shape)
        count, y = shape[axis], shape[:axis] + shape[axis + 1:]
        return Model([Tensor(shape), *(Tensor(y) for _ in range(count))],
                     [Op("UNPACK", [0], list(range(1, 1 + count)), option_table("count axis", "ii", dict(count=count, axis=written)))])

    def numbers(self, values: list[int]) -> Tensor:
        return Tensor([len(values)], INT32, None, values=values)

    def slice(self) -> Model:
        x = self.shape(5, 8)
        begin = [self.random.randrange(n) for n in x]
        size = [self.random.randint(1, n - b) for n, b in zip(x, begin)]
        stated = [-1 if b + s == n and self.chance(0.5) else s for n, b, s in zip(x, begin, size)]
        return Model([Tensor(x), self.numbers(begin), self.numbers(stated), Tensor(size)], [Op("SLICE", [0, 1, 2], [3])])

    def strided_slice(self) -> Model:
        """With all masks; ends and begins beyond the extents, and from the end."""
        while True:
            x, y, begins, ends, steps, axis = self.shape(4, 9), [], [], [], [], 0
            masks = dict.fromkeys(("begin", "end", "ellipsis", "new", "shrink"), 0)
            wide = self.chance(0.3)
            while axis < len(x):
                entry, step = len(begins), self.random.choice((1, 1, 2, 3, -1, -2))
                begin, end = (self.random.randint(-x[axis] - 1, x[axis] + 1) for _ in range(2))
                masks["begin"] |= self.chance(0.4) << entry
                masks["end"] |= self.chance(0.4) << entry
                what = self.random.random() if wide else 1
                if what < 0.2 and not masks["ellipsis"]:
                    masks["ellipsis"] |= 1 << entry
                    count = self.random.randint(1, len(x) - axis)
                    y, axis = y + x[axis:axis + count], axis + count
                elif what < 0.4:
                    masks["new"] |= 1 << entry
                    y = [*y, 1]
                elif self.chance(0.15):
                    masks["shrink"] |= 1 << entry
                    masks["begin"] &= ~(1 << entry)
                    step = 1
                    begin, axis = min(max(begin, -x[axis]), x[axis] - 1), axis + 1
                else:
                    taken = range(x[axis])[slice(None if masks["begin"] >> entry & 1 else begin, None if masks["end"] >> entry & 1 else end, step)]
                    y, axis = [*y, len(taken)], axis + 1
                begins, ends, steps = [*begins, begin], [*ends, end], [*steps, step]
                if not masks["ellipsis"] and self.chance(0.15):
                    y, axis = y + x[axis:], len(x)
            if y and min(y) > 0 and len(y) <= 5:
                options = option_table("begin end ellipsis new shrink", "iiiii", masks)
                return Model([Tensor(x), *map(self.numbers, (begins, ends, steps)), Tensor(y)], [Op("STRIDED_SLICE", [0, 1, 2, 3], [4], options)])

    def transpose(self) -> Model:
        x = self.shape(5)
        perm = self.random.sample(range(len(x)), len(x))
        return Model([Tensor(x), self.numbers(perm), Tensor([x[axis] for axis in perm])], [Op("TRANSPOSE", [0, 1], [2])])

    def tile(self) -> Model:
        x = self.shape(4)
        multiples = [self.random.choice((1, 1, 2, 3)) for _ in x]
        return Model([Tensor(x), self.numbers(multiples), Tensor([n * m for n, m in zip(x, multiples)])], [Op("TILE", [0, 1], [2])])

    def gather(self) -> Model:
        x, shape = self.shape(3), self.shape(2, 3) if self.chance(0.8) else []
        axis, written = self.axis(x)
        positions = [self.random.randrange(x[axis]) for _ in range(math.prod(shape))]
        y = x[:axis] + shape + x[axis + 1:]
        if not y:
            return self.gather()
        return Model([Tensor(x), Tensor(shape, INT32, None, values=positions), Tensor(y)],
                     [Op("GATHER", [0, 1], [2], {0: Scalar("i", written)})])

    def resize_nearest(self) -> Model:
        n, c, h, w, out_h, out_w = self.below(3), self.below(5), *(self.random.randint(1, 40) for _ in range(4))
        options = option_table("align half", "BB", dict(align=self.chance(0.4), half=self.chance(0.4)))
        return Model([Tensor([n, h, w, c]), self.numbers([out_h, out_w]), Tensor([n, out_h, out_w, c])],
                     [Op("RESIZE_NEAREST_NEIGHBOR", [0, 1], [2], options)])

    def transpose_conv(self) -> Model:
        """Not a mover, but with the shapes of one: per channel scales that spread the outputs."""
        while True:
            n, c, o, h, w, kh, kw, sh, sw = (self.random.randint(1, 4) for _ in range(9))
            same, later = self.chance(0.5), self.chance(0.4)
            y = [extent * s - (self.random.randrange(s) if later else 0) if same else
                 (extent - 1) * s + k + (self.random.randrange(s) if later else 0) for extent, s, k in ((h, sh, kh), (w, sw, kw))]
            if min(y) > 0:
                break
        terms = kh * kw * c
        scales = [self.scale(-10, -4) for _ in range(o)]
        weights = Tensor([o, kh, kw, c], values=self.values(o * terms, -127), scale=scales, zero=[0] * o)
        x, target = Tensor([n, h, w, c], scale=self.scale(), zero=self.zero()), Tensor([n, *y, o], zero=self.zero())
        target.scale = x.scale * scales[0] * math.sqrt(terms) * 80
        bias = Tensor([o], INT32, None, values=[self.random.randint(-20000, 20000) for _ in range(o)])
        options = option_table("padding stride_w stride_h", "bii", dict(padding=SAME if same else VALID, stride_w=sw, stride_h=sh))
        return Model([self.numbers([n, *y, o]), weights, x, target, bias],
                     [Op("TRANSPOSE_CONV", [0, 1, 2, 4] if self.chance(0.7) else [0, 1, 2], [3], options)], inputs=[2])

    def blocks(self, name: str) -> Model:
        b, (n, h, w, c) = self.random.randint(1, 4), (self.below(3), *(self.random.randint(1, 4) for _ in range(3)))
        shapes = [[n, h * b, w * b, c], [n, h, w, b * b * c]]
        x, y = shapes if name == "SPACE_TO_DEPTH" else shapes[::-1]
        return Model([Tensor(x), Tensor(y)], [Op(name, [0], [1], {0: Scalar("i", b)})])

    def space_to_depth(self) -> Model:
        return self.blocks("SPACE_TO_DEPTH")

    def depth_to_space(self) -> Model:
        return self.blocks("DEPTH_TO_SPACE")

    def squeeze(self) -> Model:
        shape = [self.random.choice((1, 1, 2, 3)) for _ in range(self.random.randint(2, 5))]
        return Model([Tensor(shape), Tensor([n for n in shape if n > 1] or [1])], [Op("SQUEEZE", [0], [1])]) if max(shape) > 1 \
            else self.expand_dims()

    def expand_dims(self) -> Model:
        shape = self.shape(4)
        axis = self.random.randint(0, len(shape))
        return Model([Tensor(shape), Tensor([1], INT32, None, values=[axis]), Tensor([*shape[:axis], 1, *shape[axis:]])],
                     [Op("EXPAND_DIMS", [0, 1], [2])])


def legacy(model: Model, maker: MoveMaker) -> Model:
    """All tensors as uint8; the operands of CONCATENATION with scales of their own."""
    for t in model.tensors:
        if t.type == INT8:
            t.type, t.scale, t.zero = UINT8, 0.5, 128
    for i in model.ops[0].inputs if model.ops[0].name == "CONCATENATION" else ():
        if maker.chance(0.6):
            model.tensors[i].scale, model.tensors[i].zero = 0.5 * maker.random.uniform(0.1, 3), maker.random.randint(0, 255)
    return model


KINDS = ("concatenation", "split", "split_v", "pack", "unpack", "squeeze", "expand_dims", "slice", "strided_slice", "transpose", "tile",
         "space_to_depth", "depth_to_space", "gather", "resize_nearest", "transpose_conv")
MISSING = ("tile",)     # in TensorFlow Lite Micro


def ours(model: bytes, cases: list[list[bytes]], folder: pathlib.Path) -> tuple[bytes | None, str]:
    """All outputs, or the reason of the refusal."""
    path, outputs = folder / "model.tflite", b""
    path.write_bytes(model)
    for case in cases:
        files = [folder / f"x{i}.raw" for i in range(len(case))]
        for file, data in zip(files, case):
            file.write_bytes(data)
        target = folder / "outputs"
        for old in target.glob("*"):
            old.unlink()
        done = subprocess.run([program.LOCKSTEP, "run", path, *files, "--backend", "cpu_ref", "--output-dir", target],
                              capture_output=True, text=True)
        if done.returncode != 0:
            return None, done.stderr.strip()
        outputs += b"".join(program.npy_payload(target / f"output_{i}.npy") for i in range(len(list(target.glob("*")))))
    return outputs, ""


class Moves(unittest.TestCase):
    def compare(self, oracle: Oracle, kinds: tuple[str, ...], uint8: bool) -> None:
        counts = collections.Counter()
        self.addCleanup(oracle.close)
        with tempfile.TemporaryDirectory() as folder:
            for seed in range(FIRST, FIRST + COUNT):
                kind, maker = kinds[seed % len(kinds)], MoveMaker(seed)
                model = getattr(maker, kind)()
                model = legacy(model, maker) if uint8 else model
                cases = inputs_of(seed, model)[:2 if max(math.prod(t.shape) for t in model.tensors) > 1 else 1]
                mine, reason = ours(write(model), cases, pathlib.Path(folder))
                theirs = oracle.run(write(model), cases)
                with self.subTest(f"{kind}: again with LOCKSTEP_OPS_SEED={seed} LOCKSTEP_OPS_COUNT=1"):
                    self.assertIsNotNone(mine, reason)
                    self.assertTrue(theirs is None or mine == theirs, "other bytes")
                counts[kind, "equal" if theirs is not None else "not in the reference"] += 1
        print(dict(counts), f"{oracle.deaths} models ended the reference's process")
        for kind in kinds if COUNT >= 10 * len(kinds) else ():
            self.assertGreater(counts[kind, "equal"], COUNT // len(kinds) // 4, kind)

    @unittest.skipUnless(TFLM, "LKS_TFLM_PYTHON names no Python that has the package tflite-micro")
    def test_tflm(self) -> None:
        self.compare(Oracle(TFLM, TFLM_ORACLE), tuple(kind for kind in KINDS if kind not in MISSING), False)

    @unittest.skipUnless(LITERT, "LKS_LITERT_PYTHON names no Python that has the package ai-edge-litert")
    def test_litert(self) -> None:
        self.compare(Oracle(LITERT, LITERT_ORACLE), KINDS, False)

    @unittest.skipUnless(LITERT, "LKS_LITERT_PYTHON names no Python that has the package ai-edge-litert")
    def test_litert_uint8(self) -> None:
        self.compare(Oracle(LITERT, LITERT_ORACLE), KINDS[:-1], True)


if __name__ == "__main__":
    program.main()
