"""Calls with JSON to a grpcio server, whose contract the bridge learns by reflection."""

import http.client
import json
import struct
import unittest

from drawbridge import TIMEOUT_SECONDS, Drawbridge
from test_forwarding import STREAM, Upstream


def frame(message):
    payload = json.dumps(message).encode()
    return struct.pack(">BI", 0, len(payload)) + payload


class Json(unittest.TestCase):
    def post(self, bridge, path, body, **headers):
        """Sends a stream of Connect, and returns the connection and the response."""
        connection = http.client.HTTPConnection(bridge.address, timeout=TIMEOUT_SECONDS)
        self.addCleanup(connection.close)
        headers = {"content-type": "application/connect+json", **headers}
        connection.request("POST", path, frame(body), headers)
        return connection, connection.getresponse()

    def read(self, response):
        flags, length = struct.unpack(">BI", response.read(5))
        return flags, json.loads(response.read(length))

    def test_a_stream_is_translated_with_its_status(self):
        with Upstream() as upstream, Drawbridge("--upstream", upstream.url) as bridge:
            _, response = self.post(bridge, STREAM, {"key": "k"})
            self.assertEqual(self.read(response), (0, {"message": "k: one"}))
            self.assertEqual(self.read(response), (0, {"message": "k: two"}))
            flags, end = self.read(response)
            self.assertEqual((flags, "error" in end), (2, False))
            self.assertEqual(end["metadata"]["x-end"], ["a", "b"])
            _, response = self.post(bridge, STREAM, {"key": "fail"})
            self.assertEqual(self.read(response), (0, {"message": "fail: one"}))
            _, end = self.read(response)
            self.assertEqual(end["error"], {"code": "not_found", "message": "no such key: 100%"})

    def test_a_deadline_and_a_caller_that_leaves_reach_the_server(self):
        with Upstream() as upstream, Drawbridge("--upstream", upstream.url) as bridge:
            _, response = self.post(bridge, STREAM, {"key": "silent"}, **{"connect-timeout-ms": "3000"})
            self.assertEqual(self.read(response), (0, {"message": "silent: one"}))
            self.assertLessEqual(upstream.next("started")["remaining"], 3)
            _, end = self.read(response)
            self.assertEqual(end["error"]["code"], "deadline_exceeded")
            upstream.next("ended")
            connection, response = self.post(bridge, STREAM, {"key": "silent"})
            self.assertEqual(self.read(response), (0, {"message": "silent: one"}))
            upstream.next("started")
            response.close()
            connection.close()
            upstream.next("ended")

    def test_json_that_is_malformed_never_reaches_the_server(self):
        with Upstream() as upstream, Drawbridge("--upstream", upstream.url) as bridge:
            _, response = self.post(bridge, STREAM, {"key": 7})
            _, end = self.read(response)
            self.assertEqual(end["error"]["code"], "invalid_argument")
            self.assertIn("key: expected a string, found 7 (line 1, column 9)", end["error"]["message"])


if __name__ == "__main__":
    unittest.main()
