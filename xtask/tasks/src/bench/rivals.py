"""`POST /execute` as services of this kind are often written: Flask with one of several ways to run the script."""

import json
import os
import resource
import subprocess
import tempfile

from flask import Flask, request

RUNNER = """
import json, sys
space = {}
exec(sys.stdin.read(), space)
print(json.dumps(space["main"]()), file=sys.stderr)
"""


def nothing(_script):
    return {"result": {"answer": 42}, "stdout": "hi\n"}


def limit():
    resource.setrlimit(resource.RLIMIT_CPU, (5, 5))
    resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
    resource.setrlimit(resource.RLIMIT_NOFILE, (10, 10))


def process(script):
    with tempfile.TemporaryDirectory() as directory:
        ended = subprocess.run(
            [os.environ["NATIVE"], "-I", "-c", RUNNER],
            input=script,
            cwd=directory,
            capture_output=True,
            text=True,
            timeout=10,
            preexec_fn=limit,
        )
    return {"result": json.loads(ended.stderr), "stdout": ended.stdout}


def monty():
    import pydantic_monty

    pool = pydantic_monty.Monty(min_processes=1, max_processes=1)
    pool.__enter__()
    limits = {"max_feed_duration_secs": 5, "max_memory": 50 << 20}

    def run(script):
        output = pydantic_monty.CollectString()
        with pool.checkout(limits=limits) as session:
            result = session.feed_run(script + "\nmain()\n", print_callback=output)
        return {"result": result, "stdout": output.output}

    return run


app = Flask(__name__)
execute = {"nothing": lambda: nothing, "process": lambda: process, "monty": monty}[os.environ["RIVAL"]]()


@app.post("/execute")
def answer():
    return execute(request.get_json()["script"])


@app.get("/healthz")
def health():
    return "ok"
