"""The contracts of proto/, as Python's modules."""

import importlib
import pathlib
import sys

from grpc_tools import protoc

PROTO = pathlib.Path(__file__).parents[2] / "proto"


def generate(name, folder):
    """Generates the modules of `name`.proto into `folder`, and returns the messages and the stubs."""
    arguments = ["protoc", f"--proto_path={PROTO}", f"--python_out={folder}", f"--grpc_python_out={folder}"]
    assert protoc.main([*arguments, f"{name}.proto"]) == 0, f"protoc refused {name}.proto"
    if folder not in sys.path:
        sys.path.insert(0, folder)
    return importlib.import_module(f"{name}_pb2"), importlib.import_module(f"{name}_pb2_grpc")
