"""Runs a Python script in the Python Executor, with requests.

    pip install --require-hashes --requirement examples/requirements.txt
    PYTHON_EXECUTOR_URL=http://localhost:8080 PYTHON_EXECUTOR_KEY=... python3 examples/run.py script.py

Standard output is the result as JSON; standard error has the script's output and the error.
Exit code 0: main() returned; 1: the script is at fault; 2: anything else.
"""

import json
import os
import sys
import time

import requests

TRIES = 6
BUSY = {429, 503}


class ScriptError(Exception):
    """The script is at fault: `kind` says how, for a program."""

    def __init__(self, kind, body):
        super().__init__(f"{kind}: {body['error']}")
        self.kind = kind
        self.stdout = body["stdout"]
        self.stderr = body["stderr"]


class ServiceError(Exception):
    """The request or the service is at fault."""


class Executor:
    """A service that runs Python scripts."""

    def __init__(self, url, key=None):
        self.url = url.rstrip("/") + "/execute"
        self.session = requests.Session()
        if key:
            self.session.headers["Authorization"] = f"Bearer {key}"

    def run(self, source):
        """Returns the value of main() and the output of the script. Waits while the service is busy."""
        for tries_left in reversed(range(TRIES)):
            response = self.session.post(self.url, json={"script": source}, timeout=60)
            if response.status_code not in BUSY or not tries_left:
                break
            retry_after = response.headers.get("Retry-After", "")
            seconds = int(retry_after) if retry_after.isdecimal() else 1
            print(f"the service is busy, trying again in {seconds} s", file=sys.stderr)
            time.sleep(seconds)
        return self._read(response)

    @staticmethod
    def _read(response):
        kind = response.headers.get("X-Error-Kind")
        request_id = response.headers.get("X-Request-Id")
        try:
            body = response.json()
        except requests.JSONDecodeError:
            # Something in between has responded, such as a proxy or a login page.
            raise ServiceError(f"the status is {response.status_code} and the body is not JSON") from None
        if response.ok:
            return body["result"], body["stdout"]
        if response.status_code == 400 and kind not in {None, "invalid_request"}:
            # syntax_error, exception, cpu_limit, memory_limit...
            raise ScriptError(kind, body)
        error = body.get("error")
        raise ServiceError(f"the status is {response.status_code} ({kind}, request {request_id}): {error}")


def main():
    """Runs the script that the command line names."""
    if len(sys.argv) != 2:
        print(f"usage: {sys.argv[0]} script.py", file=sys.stderr)
        return 2
    url = os.environ.get("PYTHON_EXECUTOR_URL", "http://localhost:8080")
    executor = Executor(url, os.environ.get("PYTHON_EXECUTOR_KEY"))
    try:
        with open(sys.argv[1], encoding="utf-8") as script:
            source = script.read()
        result, stdout = executor.run(source)
    except ScriptError as error:
        sys.stderr.write(error.stdout + error.stderr)
        print(error, file=sys.stderr)
        return 1
    except (OSError, UnicodeDecodeError, ServiceError) as error:
        # The exceptions of requests are OSErrors, too.
        print(error, file=sys.stderr)
        return 2
    sys.stderr.write(stdout)
    print(json.dumps(result, separators=(",", ":")))
    return 0


if __name__ == "__main__":
    sys.exit(main())
