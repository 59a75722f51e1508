"""Several client processes of the fault tests at once: what they asked and saw, together."""
import json
import os
import signal
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
from history import Operation  # noqa: E402

WORKER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "worker.py")


class Crowd:
    def __init__(self, cluster, clients, seconds, group="crowd", seed=1, **weights):
        self.out = []
        self.processes = []
        self.seconds = seconds
        words = ["%s=%s" % pair for pair in weights.items()]
        for client in range(clients):
            out = tempfile.TemporaryFile("w+")
            self.out.append(out)
            self.processes.append(subprocess.Popen([sys.executable, WORKER, str(client), group, str(seconds), str(seed)] + words,
                                                   env=cluster.environment(), stdout=out, stderr=subprocess.STDOUT,
                                                   stdin=subprocess.DEVNULL))

    def running(self):
        return any(process.poll() is None for process in self.processes)

    def end(self):
        """Before their time."""
        for process in self.processes:
            process.send_signal(signal.SIGTERM)

    def finish(self, patience=90):
        """All lines of all clients in the order of their calls, and what is no line (a client that ended badly)."""
        lines, trouble = [], []
        for process, out in zip(self.processes, self.out):
            try:
                process.wait(self.seconds + patience)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                process.wait()
                trouble.append("a client hung")
            out.seek(0)
            for text in out:
                try:
                    lines.append(json.loads(text))
                except ValueError:
                    trouble.append(text.rstrip())
            if process.returncode != 0:
                trouble.append("a client ended with %d" % process.returncode)
        return sorted(lines, key=lambda line: line["called"]), trouble


def operations(lines):
    return [Operation(line["client"], line["kind"], line["key"], line["answer"], line["called"], line["returned"]) for line in lines]
