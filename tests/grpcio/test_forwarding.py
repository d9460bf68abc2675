"""A grpcio server behind the bridge, called by native clients and over gRPC-Web."""

import http.client
import json
import pathlib
import queue
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import unittest
import urllib.parse

import grpc
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

import contracts
from drawbridge import TIMEOUT_SECONDS, Drawbridge

STREAM = "/Message/Stream"


class Upstream:
    """The server of upstream.py on a port, until the end of the `with` block."""

    def __init__(self, port=0):
        self.port = port

    def __enter__(self):
        self._folder = tempfile.TemporaryDirectory()
        script = pathlib.Path(__file__).parent / "upstream.py"
        self._process = subprocess.Popen(
            [sys.executable, script, str(self.port), self._folder.name], stdout=subprocess.PIPE, encoding="utf-8"
        )
        self._events = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.port = self.next("listening")["port"]
        return self

    def __exit__(self, *_):
        self.kill()
        self._reader.join(timeout=TIMEOUT_SECONDS)
        self._process.stdout.close()
        self._folder.cleanup()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def kill(self):
        """Kills the server, and waits until it has exited."""
        self._process.kill()
        self._process.wait(timeout=TIMEOUT_SECONDS)

    def signal(self, number):
        self._process.send_signal(number)

    def next(self, event):
        received = self._events.get(timeout=TIMEOUT_SECONDS)
        assert received["event"] == event, f"expected {event}, got {received}"
        return received

    def _read(self):
        for line in self._process.stdout:
            self._events.put(json.loads(line))


def call_web(server, message, timeout=None):
    """Calls the stream over gRPC-Web and HTTP/1.1, and returns the connection and the response."""
    connection = http.client.HTTPConnection(server.address, timeout=TIMEOUT_SECONDS)
    payload = message.SerializeToString()
    headers = {"content-type": "application/grpc-web+proto", "x-shelf": "7"}
    if timeout:
        headers["grpc-timeout"] = timeout
    connection.request("POST", STREAM, struct.pack(">BI", 0, len(payload)) + payload, headers)
    return connection, connection.getresponse()


def next_web(response):
    """Reads the next encoded message of a response."""
    flags, length = struct.unpack(">BI", response.read(5))
    assert not flags & 0x80, "trailers instead of a message"
    return response.read(length)


def read_web(response):
    """Reads a response to its end, and returns the encoded messages and the trailers."""
    body, messages, trailers = response.read(), [], list(response.getheaders())
    while body:
        flags, length = struct.unpack(">BI", body[:5])
        payload, body = body[5 : 5 + length], body[5 + length :]
        if flags & 0x80:
            trailers = [line.split(":", 1) for line in payload.decode().strip().split("\r\n")]
        else:
            messages.append(payload)
    return messages, [(name.lower(), value.strip()) for name, value in trailers]


def status(trailers):
    return int(dict(trailers)["grpc-status"])


class Forwarding(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        temporary = tempfile.TemporaryDirectory()
        cls.addClassCleanup(temporary.cleanup)
        cls.message, cls.stubs = contracts.generate("message", temporary.name)

    def connect(self, server):
        channel = grpc.insecure_channel(server.address, options=[("grpc.enable_http_proxy", 0)])
        self.addCleanup(channel.close)
        return self.stubs.MessageStub(channel)

    def request(self, key):
        return self.message.Request(key=key)

    def test_a_native_client_gets_messages_metadata_and_errors_unchanged(self):
        with Upstream() as upstream, Drawbridge("--upstream", upstream.url) as server:
            call = self.connect(server).Stream(
                self.request("k"), timeout=TIMEOUT_SECONDS, metadata=[("x-shelf", "7"), ("x-shelf", "8")]
            )
            self.assertEqual([response.message for response in call], ["k: one", "k: two"])
            started = upstream.next("started")
            self.assertIn(["x-shelf", "7"], started["metadata"])
            self.assertIn(["x-shelf", "8"], started["metadata"])
            self.assertLessEqual(started["remaining"], TIMEOUT_SECONDS)
            initial = [(key, value) for key, value in call.initial_metadata() if key.startswith("x-") and key != "x-request-id"]
            self.assertEqual(initial, [("x-row", "1"), ("x-row", "2"), ("x-key-bin", b"\0\1\2")])
            self.assertEqual(list(call.trailing_metadata()), [("x-end", "a"), ("x-end", "b")])
            failing = self.connect(server).Stream(self.request("fail"))
            with self.assertRaises(grpc.RpcError):
                list(failing)
            self.assertEqual((failing.code(), failing.details()), (grpc.StatusCode.NOT_FOUND, "no such key: 100%"))

    def test_a_grpc_web_client_gets_messages_and_metadata_unchanged(self):
        with Upstream() as upstream, Drawbridge("--upstream", upstream.url) as server:
            connection, response = call_web(server, self.request("k"))
            messages, trailers = read_web(response)
            connection.close()
            self.assertEqual(
                [self.message.Response.FromString(each).message for each in messages], ["k: one", "k: two"]
            )
            self.assertEqual(status(trailers), 0)
            self.assertIn(("x-end", "a"), trailers)
            self.assertIn(("x-end", "b"), trailers)
            started = upstream.next("started")
            self.assertIn(["x-shelf", "7"], started["metadata"])
            self.assertGreater(started["remaining"], 10**9, "the value of grpcio for a call without a deadline")

    def test_a_deadline_reaches_the_server_and_ends_a_stream_with_status_4(self):
        with Upstream() as upstream, Drawbridge("--upstream", upstream.url) as server:
            connection, response = call_web(server, self.request("silent"), timeout="1S")
            messages, trailers = read_web(response)
            connection.close()
            self.assertEqual((len(messages), status(trailers)), (1, 4))
            self.assertNotIn("grpc-status", response.headers, "the status is in the trailers, after a message")
            started = upstream.next("started")
            self.assertGreater(started["remaining"], 0)
            self.assertLessEqual(started["remaining"], 1)
            upstream.next("ended")

    def test_a_deadline_set_by_the_bridge_ends_a_stream_with_status_4(self):
        with Upstream() as upstream, Drawbridge("--upstream", upstream.url, "--max-deadline", "1s") as server:
            call = self.connect(server).Stream(self.request("silent"))
            self.assertEqual(next(call).message, "silent: one")
            with self.assertRaises(grpc.RpcError):
                next(call)
            self.assertEqual(call.code(), grpc.StatusCode.DEADLINE_EXCEEDED)
            self.assertLessEqual(upstream.next("started")["remaining"], 1)
            upstream.next("ended")
            self.assertEqual({end["end"] for end in server.ends(1)}, {"deadline exceeded"})

    def test_a_disconnect_reaches_the_servers_callback(self):
        with Upstream() as upstream, Drawbridge("--upstream", upstream.url) as server:
            call = self.connect(server).Stream(self.request("silent"))
            next(call)
            upstream.next("started")
            call.cancel()
            upstream.next("ended")
            connection, response = call_web(server, self.request("silent"))
            upstream.next("started")
            next_web(response)
            response.close()
            connection.close()
            upstream.next("ended")
            self.assertEqual({end["end"] for end in server.ends(2)}, {"client gone"})

    def test_a_killed_server_is_unavailable_until_it_is_restarted(self):
        with Upstream() as upstream:
            port = upstream.port
            with Drawbridge("--upstream", upstream.url) as server:
                connection, response = call_web(server, self.request("silent"))
                upstream.next("started")
                next_web(response)
                upstream.kill()
                messages, trailers = read_web(response)
                connection.close()
                self.assertEqual((len(messages), status(trailers)), (0, 14))
                # The call fails before its timeout of one second: otherwise the code would be 4.
                connection, response = call_web(server, self.request("k"), timeout="1S")
                _, trailers = read_web(response)
                connection.close()
                self.assertEqual(status(trailers), 14)
                self.assertIn("cannot connect", urllib.parse.unquote(dict(trailers)["grpc-message"]))
                native = self.connect(server).Stream(self.request("k"), timeout=TIMEOUT_SECONDS)
                with self.assertRaises(grpc.RpcError):
                    next(native)
                self.assertEqual(native.code(), grpc.StatusCode.UNAVAILABLE)
                self.assertIn("cannot connect", native.details())
                with Upstream(port):
                    connection, response = call_web(server, self.request("k"))
                    messages, trailers = read_web(response)
                    connection.close()
                    self.assertEqual((len(messages), status(trailers)), (2, 0))

    def test_a_suspended_server_does_not_delay_the_deadline(self):
        with Upstream() as upstream, Drawbridge("--upstream", upstream.url) as server:
            connection, response = call_web(server, self.request("k"))
            read_web(response)
            connection.close()
            upstream.signal(signal.SIGSTOP)
            connection, response = call_web(server, self.request("k"), timeout="500m")
            _, trailers = read_web(response)
            connection.close()
            self.assertEqual(status(trailers), 4)
            upstream.signal(signal.SIGCONT)
            connection, response = call_web(server, self.request("k"))
            self.assertEqual(status(read_web(response)[1]), 0)
            connection.close()

    def test_reflection_lists_the_services_of_the_server_and_of_the_bridge(self):
        with Upstream() as upstream, Drawbridge("--upstream", upstream.url, "--expose", "grpc.reflection.*") as server:
            channel = grpc.insecure_channel(server.address, options=[("grpc.enable_http_proxy", 0)])
            self.addCleanup(channel.close)
            database = ProtoReflectionDescriptorDatabase(channel)
            reflection = ["grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection"]
            calls = "drawbridge.calls.v1.Calls"
            self.assertEqual(sorted(database.get_services()), ["Message", calls, "grpc.health.v1.Health", *reflection])
            pool = DescriptorPool(database)
            for name, methods in [("Message", ["Stream"]), (calls, ["Watch", "Get", "Cancel", "Services"])]:
                service = pool.FindServiceByName(name)
                self.assertEqual([method.name for method in service.methods], methods)
            self.assertEqual(pool.FindMessageTypeByName("Request").fields[0].name, "key")


if __name__ == "__main__":
    unittest.main()
