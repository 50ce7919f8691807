#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Train the digits demo model and write everything this folder carries.

    pip install -r requirements.txt        Python 3.11
    python train.py OUT_DIR

Writes digits.tflite (int8 in, int8 out), 0.png .. 9.png, test_set.bin,
test_labels.bin and labels.txt, and prints the accuracy on the test split.
One thread and fixed seeds: two runs on one machine write the same bytes.
Another processor or TensorFlow version may give another model.
"""
import os
import struct
import sys
import zlib

os.environ.update(CUDA_VISIBLE_DEVICES="-1", TF_ENABLE_ONEDNN_OPTS="0", TF_CPP_MIN_LOG_LEVEL="2")

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

SEED, EPOCHS, BATCH = 0, 40, 64
WORDS = "zero one two three four five six seven eight nine".split()


def load_split():
    """1347 training and 450 test pictures as bytes, the classes in equal shares."""
    digits = load_digits()                              # values 0..16
    b = ((digits.images.astype(np.int32) * 255 + 8) // 16).astype(np.uint8)
    return train_test_split(b, digits.target.astype(np.uint8), test_size=450,
                            stratify=digits.target, random_state=SEED)


def to_float(b):
    return (b.astype(np.float32) / np.float32(255))[..., None]


def shifted(b, rng):
    """Each picture moved by -1, 0 or 1 pixel in each direction, zeros coming in."""
    padded = np.pad(b, ((0, 0), (1, 1), (1, 1)))
    offset = rng.choice(3, size=(len(b), 2), p=[0.2, 0.6, 0.2])
    return np.stack([p[dy:dy + 8, dx:dx + 8] for p, (dy, dx) in zip(padded, offset)])


def build(batch=None):
    def norm(x):
        return layers.BatchNormalization(momentum=0.9)(x)

    def residual(x, channels):
        y = layers.DepthwiseConv2D(3, padding="same", use_bias=False)(x)
        y = layers.ReLU()(norm(y))
        y = norm(layers.Conv2D(channels, 1, use_bias=False)(y))
        return layers.ReLU()(layers.Add()([x, y]))

    x = inputs = keras.Input((8, 8, 1), batch, name="image")
    x = layers.ReLU()(norm(layers.Conv2D(16, 3, padding="same", use_bias=False)(x)))
    x = residual(x, 16)
    x = layers.ReLU()(norm(layers.Conv2D(32, 3, strides=2, padding="same", use_bias=False)(x)))
    x = residual(x, 32)
    x = layers.AveragePooling2D(2)(x)
    x = layers.Reshape((128,))(x)
    x = layers.Dense(10)(layers.Dropout(0.2)(x))
    return keras.Model(inputs, layers.Softmax()(x))


def train(model, b, labels):
    rng = np.random.default_rng(SEED)
    steps = EPOCHS * -(-len(b) // BATCH)
    model.compile(keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(4e-3, steps)),
                  "sparse_categorical_crossentropy")
    for _ in range(EPOCHS):
        order = rng.permutation(len(b))
        model.fit(to_float(shifted(b[order], rng)), labels[order],
                  batch_size=BATCH, shuffle=False, verbose=0)


def convert(model, b):
    """Full integer .tflite; the training pictures calibrate it."""
    fixed = build(batch=1)                              # static shapes in the file
    fixed.set_weights(model.get_weights())
    converter = tf.lite.TFLiteConverter.from_keras_model(fixed)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([x[None]] for x in to_float(b))
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    return converter.convert()


def run_int8(tflite, b):
    """Class per picture, by TensorFlow Lite's reference kernels."""
    reference = tf.lite.experimental.OpResolverType.BUILTIN_REF
    net = tf.lite.Interpreter(model_content=tflite, experimental_op_resolver_type=reference)
    net.allocate_tensors()
    x, y = net.get_input_details()[0], net.get_output_details()[0]
    assert x["quantization"] == (float(np.float32(1) / np.float32(255)), -128), x["quantization"]
    classes = []
    for picture in b:
        net.set_tensor(x["index"], (picture ^ 0x80).view(np.int8)[None, ..., None])    # b - 128
        net.invoke()
        classes.append(net.get_tensor(y["index"])[0].argmax())
    return np.array(classes)


def png(picture):
    """8x8 PNG, 8-bit greyscale."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    rows = b"".join(b"\0" + row.tobytes() for row in picture)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 8, 8, 8, 0, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b""))


def main(out_dir):
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.config.experimental.enable_op_determinism()
    keras.utils.set_random_seed(SEED)

    train_b, test_b, train_labels, test_labels = load_split()
    model = build()
    train(model, train_b, train_labels)
    tflite = convert(model, train_b)
    first = [int((test_labels == c).argmax()) for c in range(10)]
    files = {"digits.tflite": tflite, "test_set.bin": test_b.tobytes(),
             "test_labels.bin": test_labels.tobytes(),
             "labels.txt": "".join(w + "\n" for w in WORDS).encode()}
    files.update({f"{c}.png": png(test_b[i]) for c, i in enumerate(first)})
    os.makedirs(out_dir, exist_ok=True)
    for name, data in files.items():
        with open(os.path.join(out_dir, name), "wb") as f:
            f.write(data)

    as_float = model.predict(to_float(test_b), verbose=0).argmax(1)
    as_int8 = run_int8(tflite, test_b)
    for name, got in (("float", as_float), ("int8", as_int8)):
        wrong = [f"{i}: {test_labels[i]} as {got[i]}" for i in np.flatnonzero(got != test_labels)]
        print(f"{name:5} {100 - 100 * len(wrong) / len(test_b):.2f} % right, wrong {wrong}")
    print("pictures: test indices", *first, "classified as", *as_int8[first])


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python train.py OUT_DIR")
    main(sys.argv[1])
