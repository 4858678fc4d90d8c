"""What Node cannot do with sockets, for the tests of restarts.

sockets.py hold NAME=ADDRESS... -- PROGRAM [ARG...]
    As a service manager: listens, accepts nobody, and for every `start` on stdin runs the program
    with the sockets (LISTEN_FDS). A NAME of `-` is none. Says {"address"} and {"pid"}.
sockets.py notify PATH
    As a service manager: says what it is told at $NOTIFY_SOCKET, one JSON string a line.
sockets.py ask PATH [UID]
    Asks a running weir for its sockets, says what came, and ends with stdin. A line there is sent.
"""

import array
import json
import os
import signal
import socket
import sys


def say(**what):
    print(json.dumps(what), flush=True)


def listen(address):
    if address.startswith("unix:"):
        one = socket.socket(socket.AF_UNIX)
        one.bind(address[5:])
        one.listen(4096)
        return one, address
    host, port = address.rsplit(":", 1)
    one = socket.create_server((host, int(port)), backlog=4096)
    return one, "%s:%d" % one.getsockname()


def run(held, names, program):
    pid = os.fork()
    if pid:
        return pid
    high = [os.dup(one.fileno()) for one in held]
    high = [os.dup2(fd, 100 + i) for i, fd in enumerate(high)]
    for i, fd in enumerate(high):
        os.dup2(fd, 3 + i)
    os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(high)))
    if any(names):
        os.environ["LISTEN_FDNAMES"] = ":".join(names)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.execv(program[0], program)


def hold(arguments):
    cut = arguments.index("--")
    held, names = [], []
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for argument in arguments[:cut]:
        name, address = argument.split("=", 1)
        one, address = listen(address)
        held.append(one)
        names.append("" if name == "-" else name)
        say(address=address)
    for line in sys.stdin:
        if line.strip() == "start":
            say(pid=run(held, names, arguments[cut + 1:]))


def notify(path):
    one = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    one.bind("\0" + path[1:] if path[0] == "@" else path)
    say(ready=True)
    while True:
        say(told=one.recv(4096).decode())


def ask(path, uid=None):
    if uid:
        os.setuid(int(uid))
    one = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    one.connect("\0" + path[1:] if path[0] == "@" else path)
    fds = array.array("i")
    text, extra, _, _ = one.recvmsg(8192, socket.CMSG_SPACE(64 * 4))
    for _, _, data in extra:
        fds.frombytes(data)
    say(text=text.decode(), sockets=len(fds))
    for line in sys.stdin:
        one.send(line.strip().encode())
        say(text=one.recv(4096).decode())


{"hold": lambda: hold(sys.argv[2:]), "notify": lambda: notify(sys.argv[2]),
 "ask": lambda: ask(*sys.argv[2:])}[sys.argv[1]]()
