"""A grpcio server whose handlers behave as the key of a request says.

It prints events to standard output, one JSON object per line: `listening`, then `started` and `ended` for each call.
"""

import json
import sys
import threading
from concurrent import futures

import grpc
from grpc_reflection.v1alpha import reflection

import contracts

LOCK = threading.Lock()


def report(**event):
    with LOCK:
        print(json.dumps(event), flush=True)


def serve(port, folder):
    message, stubs = contracts.generate("message", folder)

    class Message(stubs.MessageServicer):
        def Stream(self, request, context):
            ended = threading.Event()
            context.add_callback(lambda: (report(event="ended", key=request.key), ended.set()))
            metadata = [[name, str(value)] for name, value in context.invocation_metadata()]
            report(event="started", key=request.key, remaining=context.time_remaining(), metadata=metadata)
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
    # This module has the version v1alpha of reflection only.
    reflection.enable_server_reflection(("Message", reflection.SERVICE_NAME), server)
    bound = server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    report(event="listening", port=bound)
    server.wait_for_termination()


if __name__ == "__main__":
    serve(int(sys.argv[1]), sys.argv[2])
