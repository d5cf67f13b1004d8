#!/usr/bin/env python3
"""Machines are processes of this computer: the folder NAME holds what one runs, says, and is known by."""
import fcntl, os, pathlib, platform, shutil, signal, subprocess, sys, tempfile, time

ROOT = pathlib.Path(os.environ["GHARUN_SET_DIR"])
SCRIPT = 'echo $$ >pid.new && mv pid.new pid && exec sh boot'


def runs(machine):
    """Whether something of it runs: all of its processes hold its lock."""
    with open(machine / "lock", "a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)  # several may look at the same time
            return False
        except BlockingIOError:
            return True


def launch(machine):
    if machine.exists():
        return machine.name  # the same name twice is one machine
    new = pathlib.Path(tempfile.mkdtemp(dir=ROOT, prefix="."))  # for nobody else to read
    (new / "boot").write_bytes(sys.stdin.buffer.read())
    (new / "tags").write_text(os.environ["GHARUN_TAGS"])
    with open(new / "lock", "a") as lock, open(new / "log", "ab") as log:
        fcntl.flock(lock, fcntl.LOCK_EX)
        new.rename(machine)  # from here on it is listed, whatever comes
        env = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        subprocess.Popen(["sh", "-c", SCRIPT], cwd=machine, env=env, stdin=subprocess.DEVNULL, stdout=log,
                         stderr=log, start_new_session=True, pass_fds=[lock.fileno()])
    return machine.name


def terminate(machine):
    if machine.exists():
        end = time.monotonic() + 10
        while runs(machine):
            if time.monotonic() > end:
                sys.exit("something of it still runs")  # not gone: it stays in the list
            os.killpg(int((machine / "pid").read_text()), signal.SIGKILL)
            time.sleep(0.05)
        shutil.rmtree(machine)


verb, machine = sys.argv[1], ROOT / (sys.argv[2:] + [os.environ.get("GHARUN_NAME", "none")])[0]
if verb == "launch":
    print(launch(machine))
elif verb == "list":
    for one in (one for one in ROOT.iterdir() if one.name.startswith("gharun-")):
        print(one.name, "running" if runs(one) else "ended", (one / "tags").read_text(), sep="\t")
    print("end")
elif verb == "terminate":
    terminate(machine) if machine.name.startswith("gharun-") else sys.exit(77)
elif verb == "logs":
    sys.stdout.buffer.write((machine / "log").read_bytes()[-65536:])
elif verb == "check":
    if not ROOT.is_dir():
        sys.exit(f"{ROOT} is not a folder")
    print(f"place {platform.node()}:{ROOT.resolve()}\nmachines in {ROOT}")
else:
    sys.exit(64)
