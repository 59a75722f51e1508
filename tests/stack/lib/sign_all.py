#!/usr/bin/env python3
"""Signs once with every private key of the test (CKA_ID "kept") that the module finds; prints {answer: how often} as JSON."""
import collections
import json
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from pkcs11 import CKO, Module, Refused  # noqa: E402

answers = collections.Counter()
try:
    session = Module().session(os.environ["CLUSTERHSM_PIN"])
    for handle in session.find(CLASS=CKO["PRIVATE_KEY"], ID=b"kept"):
        try:
            session.sign(handle, os.urandom(32))
            answers["ok"] += 1
        except Refused as refused:
            answers[refused.name] += 1
except Refused as refused:
    answers[str(refused)] += 1
print(json.dumps(answers))
