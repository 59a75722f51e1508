#!/usr/bin/env python3
"""Signs with the keys whose handles it is given, several a line and all at once, a negative one's with the password; answers with a JSON list a line, an object a key:
handle, ok, called, returned, error."""
import concurrent.futures
import json
import os
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from pkcs11 import Module, Refused  # noqa: E402

module = Module()
sessions = [module.session()]
logged_in = False


def sign(session, handle):
    answer = dict(handle=handle, called=time.monotonic())
    try:
        session.sign(abs(handle), os.urandom(32), pin=os.environ["CLUSTERHSM_PIN"] if handle < 0 else None)
        answer["ok"] = True
    except Refused as refused:
        answer.update(ok=False, error=str(refused))
    answer["returned"] = time.monotonic()
    return answer


with concurrent.futures.ThreadPoolExecutor(32) as pool:
    for line in sys.stdin:
        handles = [int(word) for word in line.split()]
        try:
            if not logged_in:
                sessions[0].login(os.environ["CLUSTERHSM_PIN"])
                logged_in = True
            while len(sessions) < len(handles):
                sessions.append(module.session())
            answers = list(pool.map(sign, sessions, handles))
        except Refused as refused:
            answers = [dict(handle=handle, called=time.monotonic(), ok=False, error=str(refused)) for handle in handles]
        print(json.dumps(answers), flush=True)
