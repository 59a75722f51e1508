"""Client processes that sign (signer.py), one beside each node: what they are told while that node is away."""
import json
import os
import subprocess
import sys

LIB = os.path.dirname(os.path.abspath(__file__))


class Signer:
    """A client process that knows one node, inside that node's own network: where it is cut off, so is the client."""

    def __init__(self, cluster, node):
        conf = cluster.configure_client("signer", servers=[node])
        with open(conf, "a") as f:
            f.write("  connect_wait: 300ms\n  reply_wait: 1s\n")
        self.process = subprocess.Popen(node.inside(sys.executable, os.path.join(LIB, "signer.py")), env=cluster.environment(conf),
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, handles):
        self.process.stdin.write(" ".join(map(str, handles)) + "\n")
        self.process.stdin.flush()

    def answer(self):
        return json.loads(self.process.stdout.readline())

    def end(self):
        self.process.stdin.close()
        self.process.wait(20)


def ask_all(signers, handles):
    for signer in signers:
        signer.ask(handles)
    return [answer for signer in signers for answer in signer.answer()]
