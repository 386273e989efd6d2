"""Stands in for `bodyscan steps`: speaks its protocol, and fails in whatever way a request's `mode` says.

python stand_in_steps.py [--quiet-start | --other-version | --dies-at-start] steps
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time


def tell(**event: object) -> None:
    sys.stdout.write(json.dumps(event) + "\n")
    sys.stdout.flush()


def raw(data: bytes) -> None:
    sys.stdout.flush()
    os.write(1, data)


def stage(number: object, name: str, state: str, seconds: float = 0.1) -> None:
    done = {} if state == "start" else {"seconds": seconds, "remark": "made up"}
    tell(id=number, event="stage", stage=name, state=state, **done)


def done(number: object, **values: object) -> None:
    tell(id=number, event="done", summary="All is well.", warnings=["Look at it."], values=values)


def serve(request: dict) -> None:
    number, mode = request["id"], request.get("mode", "well")
    stage(number, "first", "start")
    if mode == "hang":
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        tell(id=number, event="stage", stage=f"child {child.pid}", state="start")
        time.sleep(600)
    elif mode == "crash":
        sys.stderr.write("reading vertex 12\nSegmentation imminent\n")
        sys.stderr.flush()
        os.kill(os.getpid(), signal.SIGSEGV)
    elif mode == "leaves a child":
        # The child holds our output open: nobody would see our end by it.
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        sys.stderr.write("gone before my child\n")
        sys.stderr.flush()
        os._exit(7)
    elif mode == "dies in mid-line":
        raw(b'{"id": %d, "event": "do' % int(number))
        os._exit(3)
    elif mode == "closes its output":
        os.close(1)
        time.sleep(600)
    elif mode == "rubbish":
        raw(b"[Open3D INFO] hello\n\xff\xfe\x00 no text\n[]\n{}\n17\nnull\n" + b"{" * 100_000 + b"\n")
        raw(b'{"event": 5}\n{"event": "unheard of", "id": %d}\n' % int(number))
        done(number)
    elif mode == "floods":
        for line in range(20_000):
            sys.stderr.write(f"warning {line}: " + "x" * 200 + "\n")
        raw(b"no newline " * 1_000_000 + b"\n")
        done(number)
    elif mode == "another id":
        done(number + 1000, whose="another's")
        tell(id=None, event="done", summary="nobody's", warnings=[], values={})
        done(number, whose="ours")
    elif mode == "no id":
        tell(id=None, event="error", kind="input", message="The request is no JSON; give one object.")
    elif mode in ("input", "consent", "stage", "missing", "bug"):
        tell(id=number, event="error", kind=mode, message=f"This is an error of the kind {mode}.")
        if mode == "bug":
            time.sleep(0.2)
            os._exit(1)
    elif mode == "odd values":
        tell(id=number, event="stage", stage=None, state=3, seconds="long", remark=None)
        tell(id=number, event="done", summary=None, warnings="none", values=[1])
    else:
        stage(number, "first", "done")
        done(number, pid=os.getpid(), said=request)


def main() -> None:
    if "--quiet-start" in sys.argv:
        sys.stderr.write("still importing\n")
        sys.stderr.flush()
        time.sleep(600)
    if "--dies-at-start" in sys.argv:
        sys.exit("ImportError: libGL.so.1: cannot open shared object file")
    tell(event="ready", version="99.3.0" if "--other-version" in sys.argv else "0.1.0")
    for line in sys.stdin:
        serve(json.loads(line))


main()
