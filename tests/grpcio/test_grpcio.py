"""Python's grpcio, unmodified, is a client of Drawbridge over plain HTTP/2."""

import tempfile
import unittest
from concurrent.futures import ThreadPoolExecutor

import grpc

import contracts
from drawbridge import PATIENCE_SECONDS, Drawbridge

def connect(server):
    """A channel to the server alone, whatever proxy the environment names."""
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

    def test_a_unary_call_greets_a_user_of_the_directory_by_display_name(self):
        with Drawbridge() as server, connect(server) as channel:
            greeter = self.greet_stubs.GreeterStub(channel)
            reply = greeter.SayHello(self.greet.HelloRequest(name="ada"), timeout=PATIENCE_SECONDS)
            self.assertEqual(reply.message, "Hello Ada Lovelace")

    def test_an_operators_words_reach_the_caller_whose_stream_is_cancelled(self):
        with Drawbridge() as server, connect(server) as channel:
            stream = self.message_stubs.MessageStub(channel).Stream(
                self.message.Request(key="leaving"), metadata=[("x-request-id", "order-17")]
            )
            console = self.calls_stubs.CallsStub(channel)
            next(stream)
            known = console.Get(self.calls.GetRequest(request_id="order-17"), timeout=PATIENCE_SECONDS).calls
            self.assertEqual([call.method for call in known], ["/Message/Stream"])
            cancel = self.calls.CancelRequest(call_id=known[0].call_id, message="takes too long")
            self.assertTrue(console.Cancel(cancel, timeout=PATIENCE_SECONDS).cancelled)
            with self.assertRaises(grpc.RpcError):
                list(stream)
            self.assertEqual((stream.code(), stream.details()), (grpc.StatusCode.CANCELLED, "takes too long"))
            ends = {end["method"]: end["end"] for end in server.ends(3)}
            self.assertEqual(ends["/Message/Stream"], "cancelled by an operator")

    def test_streams_run_side_by_side_and_a_cancelled_one_ends_alone(self):
        keys = ["first", "", "Zugbrücke 🌉", "with: colon, and comma"]
        with Drawbridge() as server:
            with connect(server) as channel, ThreadPoolExecutor() as threads:
                stub = self.message_stubs.MessageStub(channel)
                streams = {key: stub.Stream(self.message.Request(key=key)) for key in keys}
                leaving = stub.Stream(self.message.Request(key="leaving"))
                readers = {
                    key: threads.submit(lambda stream=stream: [response.message for response in stream])
                    for key, stream in streams.items()
                }

                self.assertEqual(next(leaving).message, "key: leaving, progress: +")
                self.assertEqual(next(leaving).message, "key: leaving, progress: ++")
                leaving.cancel()
                with self.assertRaises(grpc.RpcError):
                    next(leaving)
                self.assertEqual(leaving.code(), grpc.StatusCode.CANCELLED)

                for key, reader in readers.items():
                    received = reader.result(timeout=PATIENCE_SECONDS)
                    self.assertEqual(received, [f"key: {key}, progress: {'+' * n}" for n in range(1, 11)])
                    self.assertEqual(streams[key].code(), grpc.StatusCode.OK)

            left, *finished = server.ends(1 + len(keys))
            self.assertEqual(left["end"], "client gone")
            self.assertIn(left["messages"], range(2, 10))
            for end in finished:
                self.assertEqual((end["end"], end["messages"]), ("completed", 10))
            words = [word for _, word in server.calls()]
            self.assertEqual(words, ["opened"] * 5 + ["ended"] * 5, "all five streams were open at once")
        self.assertEqual(server.exit_code, 0)


if __name__ == "__main__":
    unittest.main()
