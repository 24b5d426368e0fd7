"""Runs a command on a pseudo-terminal of its own and prints what it writes: terminal.py COMMAND [ARG...]"""

import os, pty, sys

child, master = pty.fork()
if child == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
said = b""
while True:
    try:
        part = os.read(master, 4096)
    except OSError:
        break
    if not part:
        break
    said += part
os.waitpid(child, 0)
print(said.decode())
