#!/usr/bin/env python3
"""A client process of the fault tests: creates, lists, uses and destroys keys for a while, and writes down what it asked and what it saw.

usage: worker.py CLIENT GROUP SECONDS SEED [create=W] [list=W] [use=W] [destroy=W]    (weights)

GROUP is the CKA_ID of all keys of the test. One JSON object a line: client, kind, key, answer, called, returned (CLOCK_MONOTONIC, s), and
`error` where a call was refused in a way that a client should never see.
"""
import json
import os
import random
import signal
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from pkcs11 import CKO, Module, Refused  # noqa: E402

GONE = ("KEY_HANDLE_INVALID", "OBJECT_HANDLE_INVALID")
LIVE_MAX = 48  # a search is one moment's as long as it fits one answer (FIND_IDS_MAX)


class Worker:
    def __init__(self, client, group, seed):
        self.client = client
        self.group = group.encode()
        self.chance = random.Random(seed * 1000 + client)
        self.session = Module().session(os.environ["CLUSTERHSM_PIN"])
        self.names = {}  # handle: label
        self.live = []
        self.made = 0
        self.stopped = False
        signal.signal(signal.SIGTERM, self.stop)

    def stop(self, *_):
        """After the call that is under way."""
        self.stopped = True

    def record(self, kind, work, key=None):
        line = dict(client=self.client, kind=kind, key=key, called=time.monotonic())
        try:
            line["answer"] = work()
        except Refused as refused:
            if refused.name in GONE:
                line["answer"] = "gone"
            else:
                line["answer"], line["error"] = None, str(refused)
        line["returned"] = time.monotonic()
        print(json.dumps(line), flush=True)

    def name(self, handle):
        if handle not in self.names:
            self.names[handle] = self.session.attribute(handle, "LABEL").decode()
        return self.names[handle]

    def create(self):
        label = "c%d-%d" % (self.client, self.made)
        self.made += 1

        def work():
            handle = self.session.generate_ec(label.encode(), ident=self.group)[1]
            self.names[handle] = label
            self.live.append(handle)
            return "ok"
        self.record("create", work, label)

    def list(self):
        found = {}

        def work():
            for handle in self.session.find(CLASS=CKO["PRIVATE_KEY"], ID=self.group):
                try:
                    found[handle] = self.name(handle)
                except Refused as refused:  # destroyed since it was found, so nobody can say which of the keys it was
                    if refused.name not in GONE:
                        raise
                    return None
            return sorted(found.values())
        self.record("list", work)
        self.live = list(found)

    def use(self):
        handle = self.chance.choice(self.live)

        def work():
            self.session.sign(handle, os.urandom(32))
            return "ok"
        self.record("use", work, self.names.get(handle))

    def destroy(self):
        handle = self.chance.choice(self.live)

        def work():
            self.session.destroy(handle)
            return "ok"
        self.record("destroy", work, self.names.get(handle))

    def run(self, seconds, weights):
        end = time.monotonic() + seconds
        while time.monotonic() < end and not self.stopped:
            kinds = dict(weights)
            if "list" in kinds:
                self.live = [handle for handle in self.live if handle in self.names]
            if not self.live:
                kinds.pop("use", None)
                kinds.pop("destroy", None)
            if len(self.live) >= LIVE_MAX // 2 and "list" in kinds:
                kinds.pop("create", None)
            getattr(self, self.chance.choices(list(kinds), list(kinds.values()))[0])()


def main():
    client, group, seconds, seed = int(sys.argv[1]), sys.argv[2], float(sys.argv[3]), int(sys.argv[4])
    weights = dict(create=2, list=2, use=4, destroy=1.5)
    for word in sys.argv[5:]:
        kind, _, weight = word.partition("=")
        weights[kind] = float(weight)
    Worker(client, group, seed).run(seconds, {kind: weight for kind, weight in weights.items() if weight > 0})


main()
