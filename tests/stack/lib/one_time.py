#!/usr/bin/env python3
"""A client process of one-time.test: asks one key for passwords, and offers another one each password that there is, for a while.

usage: one_time.py SECONDS SECRET

One JSON object a line: the password that was told, or accepted, or an error that a client should never see.
"""
import json
import os
import signal
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from hotp import hotp  # noqa: E402
from pkcs11 import Module, Refused  # noqa: E402


class Worker:
    def __init__(self, secret):
        self.secret = secret
        self.session = Module().session(os.environ["CLUSTERHSM_PIN"])
        self.makes, self.takes = (self.session.find(LABEL=label)[0] for label in (b"makes", b"takes"))
        self.offered = 0
        self.stopped = False
        signal.signal(signal.SIGTERM, self.stop)

    def stop(self, *_):
        self.stopped = True

    def say(self, **line):
        print(json.dumps(line), flush=True)

    def make(self):
        self.say(told=self.session.one_time(self.makes).decode())

    def offer(self):
        password = hotp(self.secret, self.offered, 8)
        try:
            self.session.one_time_verify(self.takes, password.encode())
            self.say(accepted=password)
        except Refused as refused:
            if refused.name != "SIGNATURE_INVALID":
                raise
        self.offered += 1

    def run(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end and not self.stopped:
            for work in (self.make, self.offer):
                try:
                    work()
                except Refused as refused:
                    self.say(error=str(refused))


Worker(bytes.fromhex(sys.argv[2])).run(float(sys.argv[1]))
