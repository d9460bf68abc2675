"""Python's grpcio as a client of the program, over HTTP/2 without TLS."""

import tempfile
import unittest
from concurrent.futures import ThreadPoolExecutor

import grpc

import contracts
from drawbridge import TIMEOUT_SECONDS, Drawbridge


def connect(server):
    """Returns a channel to the server that ignores proxies of the environment."""
    return grpc.insecure_channel(server.address, options=[("grpc.enable_http_proxy", 0)])


class Grpcio(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        temporary = tempfile.TemporaryDirectory()
        cls.addClassCleanup(temporary.cleanup)
        folder = temporary.name
        cls.message, cls.message_stubs = contracts.generate("message", folder)
        cls.greet, cls.greet_stubs = contracts.generate("greet", folder)
        cls.calls, cls.calls_stubs = contracts.generate("calls", folder)

    def test_a_unary_call_returns_a_greeting(self):
        with Drawbridge() as server, connect(server) as channel:
            greeter = self.greet_stubs.GreeterStub(channel)
            reply = greeter.SayHello(self.greet.HelloRequest(name="ada"), timeout=TIMEOUT_SECONDS)
            self.assertEqual(reply.message, "Hello Ada Lovelace")

    def test_the_message_of_an_operator_reaches_the_caller(self):
        with Drawbridge() as server, connect(server) as channel:
            stream = self.message_stubs.MessageStub(channel).Stream(
                self.message.Request(key="cancelled"), metadata=[("x-request-id", "order-17")]
            )
            console = self.calls_stubs.CallsStub(channel)
            next(stream)
            known = console.Get(self.calls.GetRequest(request_id="order-17"), timeout=TIMEOUT_SECONDS).calls
            self.assertEqual([call.method for call in known], ["/Message/Stream"])
            cancel = self.calls.CancelRequest(call_id=known[0].call_id, message="takes too long")
            self.assertTrue(console.Cancel(cancel, timeout=TIMEOUT_SECONDS).cancelled)
            with self.assertRaises(grpc.RpcError):
                list(stream)
            self.assertEqual((stream.code(), stream.details()), (grpc.StatusCode.CANCELLED, "takes too long"))
            ends = {end["method"]: end["end"] for end in server.ends(3)}
            self.assertEqual(ends["/Message/Stream"], "cancelled by an operator")

    def test_cancelling_one_of_several_streams_does_not_affect_the_others(self):
        keys = ["first", "", "Zugbrücke 🌉", "with: colon, and comma"]
        with Drawbridge() as server:
            with connect(server) as channel, ThreadPoolExecutor() as threads:
                stub = self.message_stubs.MessageStub(channel)
                streams = {key: stub.Stream(self.message.Request(key=key)) for key in keys}
                cancelled = stub.Stream(self.message.Request(key="cancelled"))
                readers = {
                    key: threads.submit(lambda stream=stream: [response.message for response in stream])
                    for key, stream in streams.items()
                }

                self.assertEqual(next(cancelled).message, "key: cancelled, progress: +")
                self.assertEqual(next(cancelled).message, "key: cancelled, progress: ++")
                cancelled.cancel()
                with self.assertRaises(grpc.RpcError):
                    next(cancelled)
                self.assertEqual(cancelled.code(), grpc.StatusCode.CANCELLED)

                for key, reader in readers.items():
                    received = reader.result(timeout=TIMEOUT_SECONDS)
                    self.assertEqual(received, [f"key: {key}, progress: {'+' * n}" for n in range(1, 11)])
                    self.assertEqual(streams[key].code(), grpc.StatusCode.OK)

            left, *finished = server.ends(1 + len(keys))
            self.assertEqual(left["end"], "client gone")
            self.assertIn(left["messages"], range(2, 10))
            for end in finished:
                self.assertEqual((end["end"], end["messages"]), ("completed", 10))
            events = [event for _, event in server.calls()]
            self.assertEqual(events, ["opened"] * 5 + ["ended"] * 5, "all five streams were open at once")
        self.assertEqual(server.exit_code, 0)


if __name__ == "__main__":
    unittest.main()
