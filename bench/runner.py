"""Runs commands for the bench and tells what each used. Requests and answers are JSON lines.

Node has no wait4(2); this is one long-lived process instead, so that no interpreter starts with a measured command. What it costs a command
is one fork and exec. Figures of one command are those of its whole tree: of all that it waited for itself (getrusage(2)), and of
what it left behind, which this process inherits (PR_SET_CHILD_SUBREAPER) and waits for.
Peak memory is that of the largest process, never below this one's own: exec(2) keeps the peak of the process that forked.
"""
import ctypes
import itertools
import json
import os
import signal
import subprocess
import sys
import tempfile
import time

LIBC = ctypes.CDLL(None)
LIBC.prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER
LIBC.prctl(1, signal.SIGTERM, 0, 0, 0)  # PR_SET_PDEATHSIG: nothing outlives the bench
GRACE_S = 2
numbers = itertools.count()  # `%n%` in a command is a number of its own


def cpu_ms(usage):
    return (usage.ru_utime + usage.ru_stime) * 1000


def start(request, stdin, stderr):
    number = str(next(numbers))
    return subprocess.Popen(
        [word.replace("%n%", number) for word in request["argv"]], cwd=request.get("cwd"), env=request.get("env"), stdin=stdin,
        stdout=subprocess.DEVNULL, stderr=stderr, start_new_session=True,
    )


def reap_rest():
    """Waits for what commands have left behind; kills it after a grace. Gives its use, and how many had to be killed."""
    cpu, rss, killed, deadline = 0.0, 0, 0, time.monotonic() + GRACE_S
    while True:
        try:
            pid, _, usage = os.wait4(-1, os.WNOHANG)
        except ChildProcessError:
            return cpu, rss, killed
        if pid:
            cpu, rss = cpu + cpu_ms(usage), max(rss, usage.ru_maxrss)
        elif time.monotonic() < deadline:
            time.sleep(0.001)
        else:
            for child in descendants():
                try:
                    os.kill(child, signal.SIGKILL)
                    killed += 1
                except ProcessLookupError:
                    pass
            deadline = time.monotonic() + GRACE_S


def stat_of(pid):
    with open(f"/proc/{pid}/stat", "rb") as file:
        text = file.read()
    return text[text.rindex(b")") + 2:].split()


def descendants():
    parents = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                parents[int(name)] = int(stat_of(name)[1])
            except OSError:
                pass
    own, found = os.getpid(), []
    for pid in parents:
        above = pid
        while above in parents and parents[above] != own:
            above = parents[above]
        if above in parents and above != pid or parents.get(pid) == own:
            found.append(pid)
    return found


def alarm(processes):
    def kill(*_):
        for process in processes:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
    signal.signal(signal.SIGALRM, kill)


def run(request):
    with tempfile.TemporaryFile() as stderr:
        processes = []
        alarm(processes)
        signal.setitimer(signal.ITIMER_REAL, request.get("timeoutS", 90))
        began = time.perf_counter()
        processes.append(start(request, subprocess.DEVNULL, stderr))
        _, status, usage = os.wait4(processes[0].pid, 0)
        wall = (time.perf_counter() - began) * 1000
        signal.setitimer(signal.ITIMER_REAL, 0)
        processes[0].returncode = os.waitstatus_to_exitcode(status)
        cpu, rss, killed = reap_rest()
        stderr.seek(max(0, stderr.seek(0, 2) - 2000))
        return {
            "wallMs": wall, "cpuMs": cpu_ms(usage) + cpu, "peakKb": max(usage.ru_maxrss, rss),
            "status": processes[0].returncode, "left": killed, "stderr": stderr.read().decode("utf8", "replace"),
        }


def weigh(payload):
    """What the commands keep alive beside the payload: kB of PSS and RSS, and how many processes."""
    pss = rss = count = 0
    for pid in descendants():
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                words = file.read().split(b"\0")
            if words[0] == b"sh" and payload.encode() in b" ".join(words):
                continue
            with open(f"/proc/{pid}/smaps_rollup") as file:
                values = dict(line.split()[:2] for line in file.readlines()[1:])
            pss, rss, count = pss + int(values["Pss:"]), rss + int(values["Rss:"]), count + 1
        except (OSError, KeyError, IndexError, ValueError):
            count += 1  # ended meanwhile, or hides its memory
    return {"pssKb": pss, "rssKb": rss, "processes": count}


def crowd(request):
    """Starts all at once; each tells by a file that it is up, and ends when its input does."""
    read, write = os.pipe()
    folder, commands, processes = request["ready"], request["commands"], []
    with tempfile.TemporaryFile() as stderr:
        alarm(processes)
        signal.setitimer(signal.ITIMER_REAL, request.get("timeoutS", 90))
        began, usage_before = time.perf_counter(), os.times()
        for command in commands:
            processes.append(start(command, read, stderr))
        os.close(read)
        while len(os.listdir(folder)) < len(commands) and all(stat_of(p.pid)[0] != b"Z" for p in processes):
            time.sleep(0.002)
        ready, up = (time.perf_counter() - began) * 1000, len(os.listdir(folder))
        time.sleep(0.3)  # what starts late beside the command is up as well
        weight = weigh(request["payload"])
        os.close(write)
        ended, failed, cpu = time.perf_counter(), 0, 0.0
        for process in processes:
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            failed, cpu = failed + (process.returncode != 0), cpu + cpu_ms(usage)
        wall = (time.perf_counter() - ended) * 1000
        signal.setitimer(signal.ITIMER_REAL, 0)
        rest, _, killed = reap_rest()
        stderr.seek(0)
        return {
            "wallMs": ready, "endMs": wall, "cpuMs": cpu + rest, "status": failed, "up": up, "left": killed,
            **weight, "stderr": stderr.read(2000).decode("utf8", "replace"),
        }


def stop(*_):
    for _ in range(50):
        children = descendants()
        for child in children:
            try:
                os.kill(child, signal.SIGKILL)
            except ProcessLookupError:
                pass
        if not children:
            break
        time.sleep(0.02)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            pass
    os._exit(0)


signal.signal(signal.SIGTERM, stop)
for line in sys.stdin:
    request = json.loads(line)
    try:
        answer = crowd(request) if "commands" in request else run(request)
    except OSError as error:
        answer = {"status": 127, "stderr": str(error), "wallMs": 0, "cpuMs": 0, "peakKb": 0, "left": 0}
    print(json.dumps(answer), flush=True)
