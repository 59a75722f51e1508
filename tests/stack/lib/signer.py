#!/usr/bin/env python3
"""Signs with the key whose handle it is given, a line each; answers with a JSON object a line: ok, called, returned, error."""
import json
import os
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from pkcs11 import Module, Refused  # noqa: E402

session = Module().session()
logged_in = False
for line in sys.stdin:
    answer = dict(called=time.monotonic())
    try:
        if not logged_in:
            session.login(os.environ["CLUSTERHSM_PIN"])
            logged_in = True
        session.sign(int(line), os.urandom(32))
        answer["ok"] = True
    except Refused as refused:
        answer.update(ok=False, error=str(refused))
    answer["returned"] = time.monotonic()
    print(json.dumps(answer), flush=True)
