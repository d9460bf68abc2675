"""Starts the program for a test, and reads its log."""

import json
import os
import re
import subprocess
import threading

# How long a test waits before it fails. No test passes because of it.
TIMEOUT_SECONDS = 60


class Drawbridge:
    """A program on a free port, with these arguments, until the end of the `with` block."""

    def __init__(self, *arguments):
        self._arguments = arguments

    def __enter__(self):
        program = os.environ["DRAWBRIDGE_BIN"]
        # Flags can be set by variables too. Those of the tester's environment must not change the test.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("DRAWBRIDGE_")}
        self._process = subprocess.Popen(
            [program, "--listen", "127.0.0.1:0", "--log-format", "json", *self._arguments],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )
        self._events = []
        self._arrived = threading.Condition()
        self._log = threading.Thread(target=self._read_log, daemon=True)
        self._log.start()
        self.address = self._read_address()
        return self

    def __exit__(self, *_):
        self._process.terminate()
        self.exit_code = self._process.wait(timeout=TIMEOUT_SECONDS)
        self._log.join(timeout=TIMEOUT_SECONDS)
        self._process.stdout.close()
        self._process.stderr.close()

    def ends(self, count):
        """Waits until `count` calls have ended, and returns their log lines in the order of their ends."""

        def ended():
            return [event for event in self._events if event.get("message") == "call ended"]

        with self._arrived:
            done = self._arrived.wait_for(lambda: len(ended()) >= count, timeout=TIMEOUT_SECONDS)
            assert done, f"{count} calls should have ended, but the log says {self._events}"
            return ended()

    def calls(self):
        """Returns the calls in the log so far, as pairs of call id and `opened` or `ended`, in order."""
        with self._arrived:
            return [
                (event["call_id"], event["message"].removeprefix("call "))
                for event in self._events
                if event.get("message") in ("call opened", "call ended")
            ]

    def _read_address(self):
        for line in self._process.stdout:
            if found := re.search(r"http://(127\.0\.0\.1:\d+)", line):
                return found.group(1)
        raise AssertionError("the program exited before it printed its address")

    def _read_log(self):
        for line in self._process.stderr:
            event = json.loads(line)["fields"]
            with self._arrived:
                self._events.append(event)
                self._arrived.notify_all()
