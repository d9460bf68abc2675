"""Python modules generated from the contracts in proto/."""

import importlib
import pathlib
import sys

from grpc_tools import protoc

PROTO = pathlib.Path(__file__).parents[2] / "proto"


def generate(name, folder):
    """Generates the modules of `name`.proto into `folder`, and returns the messages and the stubs."""
    paths = [f"--proto_path={path}" for path in (PROTO, PROTO / "calls")]
    arguments = ["protoc", *paths, f"--python_out={folder}", f"--grpc_python_out={folder}"]
    assert protoc.main([*arguments, f"{name}.proto"]) == 0, f"protoc failed on {name}.proto"
    if folder not in sys.path:
        sys.path.insert(0, folder)
    return importlib.import_module(f"{name}_pb2"), importlib.import_module(f"{name}_pb2_grpc")
