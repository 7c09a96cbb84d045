#!/usr/bin/python3
"""Programs' own test suites, on the host and then inside a sandbox in the same run: what passes on the host must pass here.

A suite is a script of suites/ with comments for this runner at its top:
  # needs: COMMAND or /PATH...   skipped, with that reason, where one is missing
  # parts: NAME...               the script is run once for each, with the part as its argument; none: once, without
  # user: nobody                 runs as that uid rather than as the caller
  # limit: SECONDS               for the whole of a part (600)
  # quiet: SECONDS               the longest that one test may take (60)
  # retry: no                    a difference counts at once; else the tests that differ get a second chance inside
A part whose name ends in "-volume" has a volume of the host as its folder, other parts the sandbox's own layer in memory.
It writes its results on descriptor 3, a line each: "start NAME", then "ok NAME", "fail NAME # why" or "skip NAME # why"; what it
writes elsewhere goes to a log. $SUITE_SKIP and $SUITE_ONLY name files of test names, one a line, that it honours where it says
"# resume: yes": a test that hangs or breaks the sandbox is counted as that, and the rest is run without it.

known-differences.txt lists what passes on the host and does not pass here, with the reason; a line that starts to pass fails the run.
Usage: run-suites.py [--platform NAME] [--filter TEXT] [--picket PATH] [--out DIR] [--list] [--host-only]
"""
import argparse
import ctypes
import os
import pwd
import re
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
PATH = "/usr/bin:/bin:/usr/sbin:/sbin"
PR_SET_CHILD_SUBREAPER = 36
HOST_KEEPS_BACK = ("-sys_time", "-sys_boot", "-sys_module", "-sys_rawio", "-syslog", "-wake_alarm")
MEMORY = "4Gi"  # of a sandbox: files in memory count too, and stressors fill what there is
GRACE = 5  # seconds between asking and killing


class Suite:
    """One script and one of its parts."""

    def __init__(self, script, part, header):
        self.script, self.part, self.header = script, part, header
        base = os.path.basename(script)[: -len(".sh")]
        self.name = f"{base}/{part}" if part else base
        self.limit = int(header.get("limit", 600))
        self.quiet = int(header.get("quiet", 60))
        self.resume = header.get("resume") == "yes"
        self.retry = self.resume and header.get("retry") != "no"
        user = header.get("user") if os.getuid() == 0 else None
        self.user = pwd.getpwnam(user) if user else None

    def missing(self):
        return [n for n in self.header.get("needs", "").split() if not (os.path.exists(n) if "/" in n else shutil.which(n, path=PATH))]


def load_suites(text):
    suites = []
    folder = os.path.join(HERE, "suites")
    for base in sorted(os.listdir(folder)):
        if not base.endswith(".sh"):
            continue
        script = os.path.join(folder, base)
        with open(script) as f:
            header = dict(m.groups() for m in (re.match(r"# (\w+): (.*)", line) for line in f) if m)
        for part in header.get("parts", "").split() or [""]:
            suite = Suite(script, part, header)
            suites.append(suite)
    exact = [suite for suite in suites if text in (suite.name, suite.part)]
    return exact or [suite for suite in suites if text in suite.name]


class Known:
    """known-differences.txt: SUITE[@PLATFORM] TEST # REASON, sorted."""

    def __init__(self, path, platform):
        self.rows, self.problems = {}, []
        with open(path) as f:
            lines = [line.rstrip("\n") for line in f if line.strip() and not line.startswith("#")]
        if lines != sorted(lines):
            self.problems.append(f"{path} is not sorted (LC_ALL=C)")
        for line in lines:
            row = re.match(r"([^ @]+)(?:@(\w+))? (.+?) # (.+)$", line)
            if not row:
                self.problems.append(f"{path}: no reason: {line}")
            elif row[2] in (None, platform):
                self.rows[row[1], row[3]] = row[4]


class Runner:
    """Runs a suite in one place, in a scratch folder, and leaves no process behind."""

    def __init__(self, options, work):
        self.options, self.work = options, work
        self.home = os.path.join(work, "home")

    def command(self, suite, inside, env):
        words = ["/bin/bash", "-c", 'exec 3>&1 1>&2; . "$@"', "suite", suite.script, suite.part]
        if not inside:
            return self.host_drop(suite) + words
        do = [self.options.picket, "do", "--platform", self.options.platform, "--cwd", self.home, "--memory", MEMORY, "--hostname", os.uname().nodename]
        for name, value in env.items():
            do += ["--env", f"{name}={value}"]
        if suite.part.endswith("-volume"):
            do += ["--volume", f"{self.home}:{self.home}:rw:exec"]
        if suite.user:
            do += ["--user", f"{suite.user.pw_uid}:{suite.user.pw_gid}"]
        return do + ["--"] + words

    @staticmethod
    def host_drop(suite):
        """A test that runs as root here shall not set this machine's clock."""
        if suite.user:
            return ["setpriv", f"--reuid={suite.user.pw_uid}", f"--regid={suite.user.pw_gid}", "--clear-groups"]
        return ["setpriv", "--bounding-set", ",".join(HOST_KEEPS_BACK)] if os.getuid() == 0 else []

    def fresh(self, suite):
        subprocess.run(["chmod", "-R", "u+rwx", self.home], stderr=subprocess.DEVNULL)
        shutil.rmtree(self.home, ignore_errors=True)
        os.mkdir(self.home)
        if suite.user:
            os.chown(self.home, suite.user.pw_uid, suite.user.pw_gid)

    def run(self, suite, inside, only=None):
        """The results by name: (status, why). Goes on behind a test that hangs or breaks everything, where the suite can."""
        results = {}
        end = time.monotonic() + suite.limit
        while True:
            broken = self.run_once(suite, inside, results, only, end)
            if not broken or not suite.resume or time.monotonic() > end:
                return results

    def run_once(self, suite, inside, results, only, end):
        """Returns the name of the test that never ended, if there was one."""
        self.fresh(suite)
        for name, lines in (("skip", results), ("only", only or ())):
            with open(os.path.join(self.work, name), "w") as f:
                f.writelines(f"{line}\n" for line in lines)
        env = {"PATH": PATH, "LANG": "C.UTF-8", "HOME": self.home, "TMPDIR": self.home, "TERM": "dumb", "SUITES": os.path.join(HERE, "suites"),
               "SUITE_SKIP": os.path.join(self.work, "skip"), "SUITE_ONLY": os.path.join(self.work, "only") if only else ""}
        place = self.options.platform if inside else "host"
        log = os.path.join(self.options.out, f"{suite.name.replace('/', '-')}.{place}.log")
        with open(log, "a" if results or only else "w") as err:
            child = subprocess.Popen(self.command(suite, inside, env), cwd=self.home, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                     stderr=err, start_new_session=True)
            try:
                current, late = self.read_results(child, suite, results, end)
            finally:
                status = self.finish(child)
        if current is None and status == 0:
            return None
        why = "took too long" if late else "the sandbox broke" if inside and status == 123 else f"ended early, status {status}"
        name = current or "(the suite itself)"
        results[name] = ("timeout" if late else "crash", why)
        return current

    def read_results(self, child, suite, results, end):
        """Until the end of the output: the test that was running then, and whether it was for lack of time."""
        current, pending = None, b""
        last = time.monotonic()
        with selectors.DefaultSelector() as sel:
            sel.register(child.stdout, selectors.EVENT_READ)
            while True:
                wait = min(last + suite.quiet, end) - time.monotonic()
                if wait <= 0:
                    return current, True
                if not sel.select(wait):
                    continue
                data = os.read(child.stdout.fileno(), 65536)
                if not data:
                    return current, False
                *lines, pending = (pending + data).split(b"\n")
                for line in lines:
                    found = re.match(r"(start|ok|fail|skip) (.+?)(?: # (.*))?$", line.decode(errors="replace"))
                    if found:
                        last = time.monotonic()
                        current = found[2] if found[1] == "start" else None
                        if found[1] != "start":
                            results[found[2]] = (found[1], found[3] or "")

    def finish(self, child):
        """Ends the suite and everything that it left: this process is the reaper of its orphans."""
        child.stdout.close()
        try:
            status = child.wait(GRACE if child.poll() is None else 0)
        except subprocess.TimeoutExpired:
            child.terminate()
            try:
                child.wait(GRACE)
            except subprocess.TimeoutExpired:
                child.kill()
            status = child.wait()
        while children := descendants(os.getpid()):
            for pid in children:
                kill_one(pid)
            try:
                os.waitpid(-1, 0)
            except ChildProcessError:
                break
        return status


def descendants(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as f:
            direct = [int(word) for word in f.read().split()]
    except OSError:
        return []
    return [below for child in direct for below in [*descendants(child), child]]


def kill_one(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def passes(result):
    return result is not None and result[0] == "ok"


def compare(runner, suite, known):
    """Runs a suite in both places; returns its row of the table and how many differences nobody has listed."""
    host = runner.run(suite, False)
    good = [name for name, result in host.items() if result[0] == "ok"]
    if runner.options.host_only:
        return (suite.name, len(host), len(good), "-", ""), [], []
    here = runner.run(suite, True)
    again = [name for name in good if not passes(here.get(name)) and (suite.name, name) not in known.rows]
    if again and suite.retry and here.get(again[0], ("",))[0] != "crash":
        here.update({name: result for name, result in runner.run(suite, True, again).items() if passes(result)})
    different = [name for name in good if not passes(here.get(name))]
    with open(os.path.join(runner.options.out, f"{suite.name.replace('/', '-')}.results"), "w") as f:
        f.writelines(f"{name}\t{host[name]}\t{here.get(name)}\n" for name in host)
    new = [name for name in different if (suite.name, name) not in known.rows]
    stale = [name for name in good if passes(here.get(name)) and (suite.name, name) in known.rows]
    for name in new:
        status, why = here.get(name, ("missing", "no result"))
        print(f"    DIFFERENT {suite.name} {name}: {status} here: {why[:150]}")
    for name in stale:
        print(f"    PASSES NOW {suite.name} {name}: its line in known-differences.txt must go")
    print("".join(f"    known     {suite.name} {name} # {known.rows[suite.name, name]}\n" for name in different if name not in new), end="", flush=True)
    broken = [name for name, result in here.items() if result[0] == "crash" and result[1] == "the sandbox broke"]
    if broken:
        print(f"    BROKE THE SANDBOX {suite.name}: {', '.join(broken)}")
    row = (suite.name, len(host), len(good), len(good) - len(different), f"{len(new)} new, {len(different) - len(new)} known" if different else "none")
    return row, new + stale + broken, different


def parse_options():
    parser = argparse.ArgumentParser(usage=__doc__.splitlines()[-1][len("Usage: "):])
    parser.add_argument("--platform", default="seccomp")
    parser.add_argument("--filter", default="")
    parser.add_argument("--picket", default=os.path.join(HERE, "../../build/picket"))
    parser.add_argument("--out", default=os.path.join(HERE, "../../build/programs-out"))
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--host-only", action="store_true")
    options = parser.parse_args()
    options.picket = os.path.realpath(options.picket)
    options.out = os.path.realpath(options.out)
    return options


def main():
    options = parse_options()
    suites = load_suites(options.filter)
    if options.list:
        print("\n".join(suite.name for suite in suites))
        return 0
    known = Known(os.path.join(HERE, "known-differences.txt"), options.platform)
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    os.makedirs(options.out, exist_ok=True)
    rows, bad = [], list(known.problems)
    with tempfile.TemporaryDirectory(prefix="picket-suites-", ignore_cleanup_errors=True) as work:
        os.chmod(work, 0o755)
        runner = Runner(options, work)
        for suite in suites:
            lack = suite.missing()
            if lack:
                print(f"-- {suite.name}: skipped: {' '.join(lack)} not installed", flush=True)
                continue
            start = time.monotonic()
            row, problems, _ = compare(runner, suite, known)
            print(f"-- {row[0]}: {row[1]} tests, {row[2]} pass on the host, {row[3]} here; {time.monotonic() - start:.0f} s", flush=True)
            rows.append(row)
            bad += problems
    print(f"\n{'suite':<36} {'tests':>6} {'host passes':>12} {'passes here':>12}  differences ({options.platform})")
    for row in rows:
        print(f"{row[0]:<36} {row[1]:>6} {row[2]:>12} {row[3]:>12}  {row[4]}")
    print("".join(f"problem: {problem}\n" for problem in known.problems), end="")
    print(f"suites: {len(rows)} run, {sum(row[3] for row in rows if row[3] != '-')} tests pass here, {len(bad)} unlisted differences")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
