"""
A process outside every sandbox, to be attacked: outsider.py UNDECLARED DECLARED OTHER_ADDRESS. Prints one JSON line that tells what it
offers, then each text that reaches one of its sockets, a line each.
"""

import ctypes, json, os, selectors, signal, socket, sys

undeclared, declared, other = sys.argv[1:4]
libc = ctypes.CDLL(None, use_errno=True)
libc.prctl(0x59616D61, ctypes.c_ulong(-1 & 0xFFFFFFFFFFFFFFFF), 0, 0, 0)  # PR_SET_PTRACER: whom Yama would keep away may trace
signal.signal(signal.SIGTERM, lambda *_: sys.exit())
os.chdir(undeclared)
selector = selectors.DefaultSelector()
offers = {"pid": os.getpid()}


def serve(name, family, kind, address):
    try:
        server = socket.socket(family, kind)
        server.bind(address)
    except OSError:
        return  # no IPv6 here
    if kind != socket.SOCK_DGRAM:
        server.listen(16)
    selector.register(server, selectors.EVENT_READ, kind == socket.SOCK_DGRAM)
    if family in (socket.AF_INET, socket.AF_INET6):
        offers[name] = server.getsockname()[1]


serve("tcp", socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0))
serve("tcpOther", socket.AF_INET, socket.SOCK_STREAM, (other, 0))
serve("tcp6", socket.AF_INET6, socket.SOCK_STREAM, ("::1", 0))
serve("udp", socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 0))
serve("udp6", socket.AF_INET6, socket.SOCK_DGRAM, ("::1", 0))
for folder in (undeclared, declared):
    for kind in ("STREAM", "DGRAM", "SEQPACKET"):
        serve(kind, socket.AF_UNIX, getattr(socket, "SOCK_" + kind), f"{folder}/{kind.lower()}.sock")
for kind in ("STREAM", "DGRAM", "SEQPACKET"):
    serve(kind, socket.AF_UNIX, getattr(socket, "SOCK_" + kind), f"\0{undeclared}/{kind.lower()}")

secret = open(f"{undeclared}/secret.txt")
offers["fd"] = secret.fileno()
offers["pts"] = os.ttyname(os.openpty()[1])
offers["queue"] = libc.msgget(0, 0o1600)
for kind in (1, 2):
    libc.msgsnd(offers["queue"], ctypes.create_string_buffer(bytes([kind] + [0] * 7) + b"outsider's secret"), 17, 0)
offers["semaphore"] = libc.semget(0, 1, 0o1600)
offers["memory"] = libc.shmget(0, 4096, 0o1600)
print(json.dumps(offers), flush=True)

try:
    while True:
        for key, _ in selector.select():
            try:
                server = key.fileobj if key.data else key.fileobj.accept()[0]
                server.settimeout(2)
                print(server.recv(200).decode(), flush=True)
            except OSError:
                pass
finally:
    libc.msgctl(offers["queue"], 0, None)
    libc.semctl(offers["semaphore"], 0, 0)
    libc.shmctl(offers["memory"], 0, None)
