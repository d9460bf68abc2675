"""A grpcio server behind the bridge: native clients and browsers call it, and it is told when they leave."""

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

import grpc
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

import contracts
from drawbridge import PATIENCE_SECONDS, Drawbridge

STREAM = "/Message/Stream"


class Upstream:
    """The server of upstream.py on a port, which ends with the `with` block."""

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
        self._reader.join(timeout=PATIENCE_SECONDS)
        self._process.stdout.close()
        self._folder.cleanup()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def kill(self):
        """Ends the server without a word, and waits until nothing of it is left."""
        self._process.kill()
        self._process.wait(timeout=PATIENCE_SECONDS)

    def signal(self, number):
        self._process.send_signal(number)

    def next(self, event):
        told = self._events.get(timeout=PATIENCE_SECONDS)
        assert told["event"] == event, f"expected {event}, got {told}"
        return told

    def _read(self):
        for line in self._process.stdout:
            self._events.put(json.loads(line))


def call_web(server, message, timeout=None):
    """Calls the stream as a browser would, over HTTP/1.1, and returns the connection and the answer."""
    connection = http.client.HTTPConnection(server.address, timeout=PATIENCE_SECONDS)
    payload = message.SerializeToString()
    headers = {"content-type": "application/grpc-web+proto", "x-shelf": "7"}
    if timeout:
        headers["grpc-timeout"] = timeout
    connection.request("POST", STREAM, struct.pack(">BI", 0, len(payload)) + payload, headers)
    return connection, connection.getresponse()


def next_web(answer):
    """Reads the next message, encoded, while the answer goes on."""
    flags, length = struct.unpack(">BI", answer.read(5))
    assert not flags & 0x80, "trailers in the place of a message"
    return answer.read(length)


def read_web(answer):
    """Reads to the end, and returns the messages, encoded, and the trailers."""
    body, messages, trailers = answer.read(), [], list(answer.getheaders())
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

    def test_a_native_client_has_all_that_it_would_have_without_the_bridge(self):
        with Upstream() as upstream, Drawbridge("--upstream", upstream.url) as server:
            call = self.connect(server).Stream(
                self.request("k"), timeout=PATIENCE_SECONDS, metadata=[("x-shelf", "7"), ("x-shelf", "8")]
            )
            self.assertEqual([response.message for response in call], ["k: one", "k: two"])
            began = upstream.next("began")
            self.assertIn(["x-shelf", "7"], began["metadata"])
            self.assertIn(["x-shelf", "8"], began["metadata"])
            self.assertLessEqual(began["remaining"], PATIENCE_SECONDS)
            initial = [(key, value) for key, value in call.initial_metadata() if key.startswith("x-") and key != "x-request-id"]
            self.assertEqual(initial, [("x-row", "1"), ("x-row", "2"), ("x-key-bin", b"\0\1\2")])
            self.assertEqual(list(call.trailing_metadata()), [("x-end", "a"), ("x-end", "b")])
            failing = self.connect(server).Stream(self.request("fail"))
            with self.assertRaises(grpc.RpcError):
                list(failing)
            self.assertEqual((failing.code(), failing.details()), (grpc.StatusCode.NOT_FOUND, "no such key: 100%"))

    def test_a_grpc_web_client_has_the_same(self):
        with Upstream() as upstream, Drawbridge("--upstream", upstream.url) as server:
            connection, answer = call_web(server, self.request("k"))
            messages, trailers = read_web(answer)
            connection.close()
            self.assertEqual(
                [self.message.Response.FromString(each).message for each in messages], ["k: one", "k: two"]
            )
            self.assertEqual(status(trailers), 0)
            self.assertIn(("x-end", "a"), trailers)
            self.assertIn(("x-end", "b"), trailers)
            began = upstream.next("began")
            self.assertIn(["x-shelf", "7"], began["metadata"])
            self.assertGreater(began["remaining"], 10**9, "what grpcio says where there is no deadline")

    def test_a_deadline_reaches_the_server_and_ends_a_stream_with_status_4(self):
        with Upstream() as upstream, Drawbridge("--upstream", upstream.url) as server:
            connection, answer = call_web(server, self.request("silent"), timeout="1S")
            messages, trailers = read_web(answer)
            connection.close()
            self.assertEqual((len(messages), status(trailers)), (1, 4))
            self.assertNotIn("grpc-status", answer.headers, "the status is in trailers, behind a message")
            began = upstream.next("began")
            self.assertGreater(began["remaining"], 0)
            self.assertLessEqual(began["remaining"], 1)
            upstream.next("ended")

    def test_a_deadline_that_the_caller_does_not_know_of_ends_its_stream_with_status_4(self):
        with Upstream() as upstream, Drawbridge("--upstream", upstream.url, "--max-deadline", "1s") as server:
            call = self.connect(server).Stream(self.request("silent"))
            self.assertEqual(next(call).message, "silent: one")
            with self.assertRaises(grpc.RpcError):
                next(call)
            self.assertEqual(call.code(), grpc.StatusCode.DEADLINE_EXCEEDED)
            self.assertLessEqual(upstream.next("began")["remaining"], 1)
            upstream.next("ended")
            self.assertEqual({end["end"] for end in server.ends(1)}, {"deadline exceeded"})

    def test_leaving_reaches_the_servers_callback(self):
        with Upstream() as upstream, Drawbridge("--upstream", upstream.url) as server:
            call = self.connect(server).Stream(self.request("silent"))
            next(call)
            upstream.next("began")
            call.cancel()
            upstream.next("ended")
            connection, answer = call_web(server, self.request("silent"))
            upstream.next("began")
            next_web(answer)
            answer.close()
            connection.close()
            upstream.next("ended")
            self.assertEqual({end["end"] for end in server.ends(2)}, {"client gone"})

    def test_a_server_that_is_gone_is_unavailable_at_once_and_is_called_again_when_it_is_back(self):
        with Upstream() as upstream:
            port = upstream.port
            with Drawbridge("--upstream", upstream.url) as server:
                connection, answer = call_web(server, self.request("silent"))
                upstream.next("began")
                next_web(answer)
                upstream.kill()
                messages, trailers = read_web(answer)
                connection.close()
                self.assertEqual((len(messages), status(trailers)), (0, 14))
                # With a second to be answered in: one that is not used up, since the code would be 4.
                connection, answer = call_web(server, self.request("k"), timeout="1S")
                _, trailers = read_web(answer)
                connection.close()
                self.assertEqual(status(trailers), 14)
                self.assertIn("refused", dict(trailers)["grpc-message"])
                native = self.connect(server).Stream(self.request("k"), timeout=PATIENCE_SECONDS)
                with self.assertRaises(grpc.RpcError):
                    next(native)
                self.assertEqual(native.code(), grpc.StatusCode.UNAVAILABLE)
                self.assertIn("refused", native.details())
                with Upstream(port):
                    connection, answer = call_web(server, self.request("k"))
                    messages, trailers = read_web(answer)
                    connection.close()
                    self.assertEqual((len(messages), status(trailers)), (2, 0))

    def test_a_server_that_is_stopped_holds_nobody_beyond_the_deadline(self):
        with Upstream() as upstream, Drawbridge("--upstream", upstream.url) as server:
            connection, answer = call_web(server, self.request("k"))
            read_web(answer)
            connection.close()
            upstream.signal(signal.SIGSTOP)
            connection, answer = call_web(server, self.request("k"), timeout="500m")
            _, trailers = read_web(answer)
            connection.close()
            self.assertEqual(status(trailers), 4)
            upstream.signal(signal.SIGCONT)
            connection, answer = call_web(server, self.request("k"))
            self.assertEqual(status(read_web(answer)[1]), 0)
            connection.close()

    def test_reflection_tells_of_the_servers_services_and_of_the_bridges_own(self):
        with Upstream() as upstream, Drawbridge("--upstream", upstream.url, "--expose", "grpc.reflection.*") as server:
            channel = grpc.insecure_channel(server.address, options=[("grpc.enable_http_proxy", 0)])
            self.addCleanup(channel.close)
            database = ProtoReflectionDescriptorDatabase(channel)
            reflection = ["grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection"]
            calls = "drawbridge.calls.v1.Calls"
            self.assertEqual(sorted(database.get_services()), ["Message", calls, *reflection])
            pool = DescriptorPool(database)
            for name, methods in [("Message", ["Stream"]), (calls, ["Watch", "Get", "Cancel", "Services"])]:
                service = pool.FindServiceByName(name)
                self.assertEqual([method.name for method in service.methods], methods)
            self.assertEqual(pool.FindMessageTypeByName("Request").fields[0].name, "key")


if __name__ == "__main__":
    unittest.main()
