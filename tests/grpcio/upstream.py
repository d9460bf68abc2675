"""A gRPC server of grpcio as it comes, in a process of its own, which does what the key of a request says.

It tells what happens to it on standard output: `listening`, and then what its handlers see, one JSON object a line.
"""

import json
import sys
import threading
from concurrent import futures

import grpc
from grpc_reflection.v1alpha import reflection

import contracts

LOCK = threading.Lock()


def tell(**event):
    with LOCK:
        print(json.dumps(event), flush=True)


def serve(port, folder):
    message, stubs = contracts.generate("message", folder)

    class Message(stubs.MessageServicer):
        def Stream(self, request, context):
            ended = threading.Event()
            context.add_callback(lambda: (tell(event="ended", key=request.key), ended.set()))
            metadata = [[name, str(value)] for name, value in context.invocation_metadata()]
            tell(event="began", key=request.key, remaining=context.time_remaining(), metadata=metadata)
            context.send_initial_metadata([("x-row", "1"), ("x-row", "2"), ("x-key-bin", b"\0\1\2")])
            context.set_trailing_metadata([("x-end", "a"), ("x-end", "b")])
            yield message.Response(message=f"{request.key}: one")
            if request.key == "fail":
                context.abort(grpc.StatusCode.NOT_FOUND, "no such key: 100%")
            if request.key == "silent":
                ended.wait()
            yield message.Response(message=f"{request.key}: two")

    server = grpc.server(futures.ThreadPoolExecutor(max_workers=16))
    stubs.add_MessageServicer_to_server(Message(), server)
    # It speaks the protocol's old name only.
    reflection.enable_server_reflection(("Message", reflection.SERVICE_NAME), server)
    bound = server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    tell(event="listening", port=bound)
    server.wait_for_termination()


if __name__ == "__main__":
    serve(int(sys.argv[1]), sys.argv[2])
