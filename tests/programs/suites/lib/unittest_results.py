"""Runs one test module of CPython's and says each test's result on descriptor 3, as run-suites.py reads it."""
import fcntl
import os
import sys
import unittest

PREFIX = "test."


def names_of(variable):
    path = os.environ.pop(variable, "")
    if not path:
        return None
    with open(path) as f:
        return {line.rstrip("\n") for line in f}


def short(test):
    name = test.id()
    return name[len(PREFIX):] if name.startswith(PREFIX) else name


class Results(unittest.TextTestResult):
    """The last word on a test is said when it stops: a test may fail more than once, in parts and in clean-up."""

    out = -1
    word = None

    def say(self, word, test, why=""):
        why = " ".join(str(why).split())[:200].replace("#", "")
        os.write(self.out, f"{word} {short(test)}{' # ' + why if why else ''}\n".encode(errors="replace"))

    def startTest(self, test):
        self.word = None
        self.say("start", test)
        super().startTest(test)

    def stopTest(self, test):
        self.say(*(self.word or ("ok", test)))
        super().stopTest(test)

    def wrong(self, test, why):
        if self.word is None or self.word[0] != "fail":
            self.word = ("fail", test, why)
        if not isinstance(test, unittest.TestCase):  # a fixture of a class or module: there is no stopTest
            self.say(*self.word)

    def addFailure(self, test, err):
        self.wrong(test, err[1])
        super().addFailure(test, err)

    def addError(self, test, err):
        self.wrong(test, repr(err[1]))
        super().addError(test, err)

    def addSubTest(self, test, subtest, err):
        if err is not None:
            self.wrong(test, f"{subtest._subDescription()}: {err[1]!r}")
        super().addSubTest(test, subtest, err)

    def addUnexpectedSuccess(self, test):
        self.wrong(test, "unexpected success")
        super().addUnexpectedSuccess(test)

    def addSkip(self, test, reason):
        if self.word is None:
            self.word = ("skip", test, reason)
        if not isinstance(test, unittest.TestCase):
            self.say(*self.word)
        super().addSkip(test, reason)


def flat(tests):
    for test in tests:
        if isinstance(test, unittest.TestSuite):
            yield from flat(test)
        else:
            yield test


def main():
    Results.out = fcntl.fcntl(3, fcntl.F_DUPFD_CLOEXEC, 100)
    os.close(3)
    skip, only = names_of("SUITE_SKIP") or set(), names_of("SUITE_ONLY")
    from test import support
    from test.support import os_helper
    support.use_resources = {"cpu": None, "subprocess": None, "walltime": None}
    support.verbose = 1
    with os_helper.temp_cwd(quiet=True):
        tests = unittest.defaultTestLoader.loadTestsFromName(sys.argv[1])
        chosen = unittest.TestSuite(t for t in flat(tests) if short(t) not in skip and (only is None or short(t) in only))
        unittest.TextTestRunner(sys.stderr, verbosity=2, resultclass=Results).run(chosen)
    sys.stderr.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
