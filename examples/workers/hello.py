#!/usr/bin/python3
# SPDX-License-Identifier: MIT
import os, select, socket, struct

def tell(word):
    try:
        return os.write(5, struct.pack("iIi", os.getpid(), int(os.environ["GENERATION"], 8), word))
    except OSError:
        return 0  # nobody hears us

listeners, ready = [socket.socket(fileno=6 + i) for i in range(int(os.environ.get("OSTLER_SOCKETS", 1)))], []
while 5 not in ready and tell(1):  # AVAIL
    ready = select.select([5, *listeners], [], [])[0]
    try:
        with next(s for s in ready if s != 5).accept()[0] as client:
            tell(0)  # TAKEN
            client.sendall(b"hello from Python\n")
    except (OSError, StopIteration):
        pass  # a sibling was faster, or the client has gone
