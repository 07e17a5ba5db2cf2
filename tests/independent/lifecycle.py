"""How every server of this folder starts and ends.

A server writes `KEY=value` lines, then `READY=yes`, and serves until its standard
input is closed or it is sent SIGTERM; so it cannot outlive what started it.
"""

import os
import signal
import threading


def report(values):
    """Prints what a test needs to know, one `KEY=value` a line, and says that serving has begun."""
    for key, value in values.items():
        print(f"{key}={value}")
    print("READY=yes", flush=True)


def until_told_to_end():
    """Blocks until standard input ends or SIGTERM arrives."""
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    signal.signal(signal.SIGINT, lambda *_: ended.set())

    def watch_stdin():
        # Not through `sys.stdin`, whose lock a thread that still reads holds at the interpreter's end.
        while os.read(0, 4096):
            pass
        ended.set()

    threading.Thread(target=watch_stdin, daemon=True).start()
    # A wait without a limit would not let the signal handler run.
    while not ended.wait(0.2):
        pass
