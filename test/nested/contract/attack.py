"""Tries the attacks of a request file, each in a process of its own, and prints {id: "works" | error}: attack.py REQUESTS.json"""

import array, ctypes, errno, fcntl, json, mmap, os, resource, shutil, signal, socket, subprocess, sys, threading, time

libc = ctypes.CDLL(None, use_errno=True)


def call(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), "")
    return result


def holds(text, wanted):
    return wanted in text or "something else"


# --- files
def stat(path):
    return os.lstat(path)


def link_onto(path, where):
    # the name is taken before anybody asks whether it may be
    open(where, "w").close()
    try:
        os.link(where, path)
    except FileExistsError:
        return True


def behind_link(folder, rest, where):
    # what follows is looked for where the link leads
    if not os.path.islink(where):
        os.symlink(folder, where)
    return os.lstat(f"{where}/{rest}")


def behind_bytes(folder, name, where):
    # a link whose name is no text
    link = where.encode() + b"\xff"
    if not os.path.islink(link):
        os.symlink(folder, link)
    return os.stat(link + b"/" + name.encode())


def from_deep(path, where):
    # a folder whose path has become longer than the kernel tells
    part = "deep" * 60
    os.makedirs(f"{where}/short")
    folder = os.open(f"{where}/short", os.O_RDONLY)
    for _ in range((4000 - len(where)) // (len(part) + 1)):
        os.mkdir(part, dir_fd=folder)
        folder = os.open(part, os.O_RDONLY, dir_fd=folder)
    os.rename(f"{where}/short", f"{where}/{part}")
    try:
        return os.stat("../" * 60 + path.lstrip("/"), dir_fd=folder)
    finally:
        os.rename(f"{where}/{part}", f"{where}/short")
        shutil.rmtree(where)


def from_secret_memory(path):
    # the end of a path lies where only its own process reads (memfd_secret(2))
    page = mmap.PAGESIZE
    secret = call(libc.syscall(447, 0))
    os.ftruncate(secret, page)
    memory = mmap.mmap(-1, 2 * page)
    start = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    libc.mmap.restype = ctypes.c_void_p
    shared_fixed, read_write = 0x11, 3
    libc.mmap(ctypes.c_void_p(start + page), ctypes.c_size_t(page), read_write, shared_fixed, secret, ctypes.c_long(0))
    ctypes.memmove(start + page - 7, b"/usr/..", 7)
    ctypes.memmove(start + page, path.encode() + b"\0", len(path) + 1)
    call(libc.access(ctypes.c_void_p(start + page - 7), os.F_OK))
    return True


def interpreter(path, where):
    # it is looked up for a script that names it
    with open(where, "w") as file:
        file.write(f"#!{path}\n")
    os.chmod(where, 0o755)
    try:
        os.posix_spawn(where, [where], {})
    except PermissionError:
        return True


def attributes(path):
    # file_getattr(2), since Linux 6.17
    return call(libc.syscall(468, -100, path.encode(), ctypes.create_string_buffer(24), 24, 0))


def stat_racing(nothing, path):
    # the path is another one when it is looked at than when it is used
    longest = max(len(nothing), len(path)) + 1
    texts = [text.encode().ljust(longest, b"\0") for text in (nothing, path)]
    buffer = ctypes.create_string_buffer(texts[0], longest)
    until = time.monotonic() + 3

    def flip():
        while time.monotonic() < until:
            for text in texts:
                ctypes.memmove(buffer, text, longest)

    threading.Thread(target=flip, daemon=True).start()
    while time.monotonic() < until:
        if libc.access(buffer, os.F_OK) == 0:
            return True
    return "never"


def read(path, wanted=""):
    with open(path, "rb") as file:
        return holds(file.read(100_000).decode("latin1"), wanted)


def listing(path):
    return len(os.listdir(path)) >= 0


def create(path):
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o644))
    return True


def append(path):
    fd = os.open(path, os.O_WRONLY | os.O_APPEND)
    return os.write(fd, b"changed\n")


def truncate(path):
    call(libc.truncate(path.encode(), ctypes.c_long(0)))
    return True


def chmod(path):
    os.chmod(path, 0o600)
    os.chmod(path, 0o644)
    return True


def utime(path):
    os.utime(path, (1, 1))
    return True


def xattr(path):
    os.setxattr(path, "user.sbox-test", b"x")
    return True


def link(source, target):
    os.link(source, target)
    return open(target, "rb").read(10) is not None


def rename(source, target):
    os.rename(source, target)
    return True


def exchange(one, two):
    call(libc.renameat2(-100, one.encode(), -100, two.encode(), 2))
    return True


def remove(path):
    os.unlink(path)
    return True


def read_link(path, wanted):
    return holds(os.readlink(path), wanted)


def through_self_root(path, wanted):
    return read("/proc/self/root" + path, wanted)


def through_cwd(path, wanted):
    os.chdir(os.path.dirname(path))
    return read(os.path.basename(path), wanted)


def by_link(path, wanted, where):
    if not os.path.islink(where):
        os.symlink(path, where)
    return read(where, wanted)


def memfd_exec(path, wanted):
    program = os.memfd_create("cat")
    os.write(program, open("/bin/cat", "rb").read())
    ends = os.pipe()
    if os.fork() == 0:
        os.dup2(ends[1], 1)
        try:
            os.execve(program, ["cat", path], {})
        finally:
            os._exit(1)
    os.close(ends[1])
    return holds(os.read(ends[0], 1000).decode(), wanted)


def by_loader(path, wanted):
    import glob

    loader = (glob.glob("/lib64/ld-linux*") + glob.glob("/lib/ld-linux*"))[0]
    done = subprocess.run([loader, "/bin/cat", path], capture_output=True, text=True)
    return holds(done.stdout, wanted)


def by_handle(path, wanted):
    handle = (ctypes.c_uint * 40)(128, 0)
    mount = ctypes.c_int()
    call(libc.name_to_handle_at(-100, path.encode(), handle, ctypes.byref(mount), 0))
    folder = os.open(os.getcwd(), os.O_RDONLY)
    fd = call(libc.open_by_handle_at(folder, handle, os.O_RDONLY))
    return holds(os.read(fd, 1000).decode(), wanted)


def mount():
    call(libc.mount(b"/", b"/tmp", None, ctypes.c_ulong(4096), None))
    call(libc.umount2(b"/tmp", 2))
    return True


def watch(path):
    call(libc.inotify_add_watch(call(libc.inotify_init()), path.encode(), 0xFFF))
    return True


# --- the environment
def variable(name, wanted):
    return holds(os.environ.get(name, ""), wanted)


def in_home(name):
    return create(os.path.join(os.environ["HOME"], name))


def of_home(name, wanted):
    return read(os.path.join(os.environ["HOME"], name), wanted)


def run_by_name(name):
    return holds(subprocess.run([name], capture_output=True, text=True).stdout, "planted")


# --- network and sockets: whether it arrived, the outsider tells
def tcp(address, port, text):
    with socket.create_connection((address, port), 2) as s:
        s.sendall(text.encode())
    return True


def udp(address, port, text):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return socket.socket(family, socket.SOCK_DGRAM).sendto(text.encode(), (address, port))


def deferred(take, port, text):
    # connect(2) answers at once and the first write connects, when another server has the port
    own = socket.socket()
    own.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    own.bind(("127.0.0.1", port))
    own.listen(1)
    client = socket.socket()
    for option in (30, 34):  # TCP_FASTOPEN_CONNECT, TCP_FASTOPEN_NO_COOKIE
        client.setsockopt(socket.IPPROTO_TCP, option, 1)
    client.connect(("127.0.0.1", port))
    own.close()
    open(take, "w").close()
    while not os.path.exists(take.replace("/take-", "/taken-")):
        time.sleep(0.01)
    return client.send(text.encode())


def refill():
    # a server that takes no more connections, so that the next one is pending
    full = socket.socket()
    full.bind(("127.0.0.1", 0))
    full.listen(0)
    for _ in range(2):
        one = socket.socket()
        one.setblocking(False)
        one.connect_ex(full.getsockname())
        waiting.append(one)
    return full


waiting = []


def serve(knock, port, text):
    server = socket.socket()
    try:
        # a socket whose connection is pending is shut down, and nobody's any more
        other = socket.create_server(("127.0.0.1", 0))
        server.connect(other.getsockname())
        server.setblocking(False)
        server.connect_ex(refill().getsockname())
        server.shutdown(socket.SHUT_RDWR)
        server.bind(("0.0.0.0", port))
        server.listen(1)
    except OSError:
        server = socket.create_server(("0.0.0.0", port))
    with open(knock.replace("/knock-", "/new-"), "w") as file:
        file.write(text)
    os.rename(knock.replace("/knock-", "/new-"), knock)
    while not os.path.exists(knock.replace("/knock-", "/knocked-")):
        time.sleep(0.01)
    return True


def unix(kind, address, text):
    s = socket.socket(socket.AF_UNIX, getattr(socket, "SOCK_" + kind))
    s.connect(address.replace("@", "\0", 1) if address.startswith("@") else address)
    return s.send(text.encode())


def unix_pair(kind, address, text):
    one, _other = socket.socketpair(socket.AF_UNIX, getattr(socket, "SOCK_" + kind))
    return one.sendto(text.encode(), address)


def unix_pair_abstract(kind, address, text):
    return unix_pair(kind, address.replace("@", "\0", 1), text)


def unix_pair_rights(kind, address, text):
    one, _other = socket.socketpair(socket.AF_UNIX, getattr(socket, "SOCK_" + kind))
    fd = os.open("/usr", os.O_RDONLY)
    rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [fd]))
    return one.sendmsg([text.encode()], [rights], 0, address)


# --- processes
def kill(pid, number):
    os.kill(pid, number)
    return True


def see(pid, wanted):
    return read(f"/proc/{pid}/cmdline", wanted)


def of_process(pid, name, wanted=""):
    return read(f"/proc/{pid}/{name}", wanted)


def link_of_process(pid, name):
    return os.readlink(f"/proc/{pid}/{name}") != ""


def memory_of_process(pid):
    os.close(os.open(f"/proc/{pid}/mem", os.O_RDONLY))
    return True


def trace(pid):
    call(libc.ptrace(0x4206, pid, 0, 0))  # PTRACE_SEIZE
    return True


def take_descriptor(pid, number):
    pidfd = os.pidfd_open(pid)
    fd = call(libc.syscall(438, pidfd, number, 0))  # pidfd_getfd
    os.close(fd)
    return True


def limit(pid):
    resource.prlimit(pid, resource.RLIMIT_CPU, (1000, 1000))
    return True


def lower(pid):
    os.setpriority(os.PRIO_PROCESS, pid, 5)
    return True


def own_signals(pid):
    """SIGKILL by way of the owner of a descriptor (fcntl(2), F_SETOWN, F_SETSIG)"""
    ends = os.pipe()
    fcntl.fcntl(ends[0], fcntl.F_SETOWN, pid)
    fcntl.fcntl(ends[0], 10, signal.SIGKILL)
    fcntl.fcntl(ends[0], fcntl.F_SETFL, fcntl.fcntl(ends[0], fcntl.F_GETFL) | os.O_ASYNC)
    os.write(ends[1], b"x")
    time.sleep(0.1)
    return True


def message(queue, kind, wanted):
    buffer = ctypes.create_string_buffer(200)
    size = call(libc.msgrcv(queue, buffer, 100, ctypes.c_long(kind), 0o4000))
    return holds(buffer.raw[8 : 8 + size].decode(), wanted)


def semaphore(number):
    call(libc.semctl(number, 0, 16, 7))  # SETVAL
    return True


def shared_memory(number):
    call(libc.shmctl(number, 2, ctypes.create_string_buffer(200)))  # IPC_STAT
    return True


# --- the terminal
def push(request):
    fcntl.ioctl(0, int(request, 16), b"x" if request == "5412" else b"\x02x")
    return True


# --- limits
def open_many(count):
    return len([os.open("/dev/null", os.O_RDONLY) for _ in range(count)])


def write_large(path, size):
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    with open(path, "wb", 0) as file:
        for _ in range(size // 65536):
            file.write(b"x" * 65536)
    os.unlink(path)
    return True


def allocate(size):
    import mmap

    return len(mmap.mmap(-1, size, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS))


def start_many(count):
    started = []
    try:
        for _ in range(count):
            child = os.fork()
            if child == 0:
                time.sleep(30)
                os._exit(0)
            started.append(child)
        return True
    finally:
        for child in started:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)


def attempt(name, args):
    signal.alarm(8)
    try:
        outcome = globals()[name](*args)
        return outcome if isinstance(outcome, str) else "works"
    except OSError as error:
        return errno.errorcode.get(error.errno, str(error))
    except (MemoryError, ValueError) as error:
        return type(error).__name__


def main():
    outcomes = {}
    for request in json.load(open(sys.argv[1])):
        ends = os.pipe()
        child = os.fork()
        if child == 0:
            os.write(ends[1], attempt(request["do"], request["args"]).encode())
            os._exit(0)
        os.close(ends[1])
        said = os.read(ends[0], 1000).decode()
        os.close(ends[0])
        _, status = os.waitpid(child, 0)
        outcomes[request["id"]] = said or f"ended by status {status}"
    print(json.dumps(outcomes))


main()
