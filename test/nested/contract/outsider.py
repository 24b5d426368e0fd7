"""
A process outside every sandbox, to be attacked: outsider.py UNDECLARED DECLARED OTHER_ADDRESS WORK. Prints one JSON line that tells what
it offers, then each text that reaches one of its sockets, a line each. At the port `later` it listens when a file `take-NAME` appears in
WORK, which it then calls `taken-NAME`. When `knock-NAME` appears it connects to the port `knocked` at OTHER_ADDRESS, prints the file's text
if it could, and calls it `knocked-NAME`.
"""

import ctypes, json, os, selectors, signal, socket, sys, threading, time

undeclared, declared, other, work = sys.argv[1:5]
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


def free_port():
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return server.getsockname()[1]


def watch():
    acts = {"take": serve_later, "knock": knock}
    while True:
        for name in os.listdir(work):
            kind, _, rest = name.partition("-")
            if kind in acts:
                acts[kind](rest)
        time.sleep(0.02)


def serve_later(name):
    server = socket.create_server(("127.0.0.1", offers["later"]))
    os.rename(f"{work}/take-{name}", f"{work}/taken-{name}")
    server.settimeout(1)
    try:
        client = server.accept()[0]
        client.settimeout(1)
        print(client.recv(200).decode(), flush=True)
    except OSError:
        pass
    finally:
        server.close()


def knock(name):
    try:
        socket.create_connection((other, offers["knocked"]), 1).close()
        print(open(f"{work}/knock-{name}").read(), flush=True)
    except OSError:
        pass
    os.rename(f"{work}/knock-{name}", f"{work}/knocked-{name}")


offers["later"], offers["knocked"] = free_port(), free_port()
threading.Thread(target=watch, daemon=True).start()

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
