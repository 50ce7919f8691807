# SPDX-License-Identifier: Apache-2.0
"""export.py MODEL.lks OUT.tflite|OUT.onnx|OUT.nhwc.onnx: the same network for the peers."""
import pathlib
import sys

import graph as graphs
from second_opinion import lks_file


def main(source: str, target: str) -> None:
    graph = graphs.of(lks_file.read(pathlib.Path(source).read_bytes()))
    if target.endswith(".tflite"):
        import to_tflite
        made = to_tflite.write(graph)
    else:
        import to_onnx
        made = to_onnx.write(graph, nhwc=target.endswith(".nhwc.onnx"))
    pathlib.Path(target).write_bytes(made)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except graphs.Unsupported as error:
        sys.exit(f"{sys.argv[1]}: {error}")
