"""Runs the test suite of Cloudinary's Python SDK against the account of CLOUDINARY_URL.

usage: run.py ARCHIVE [TEST]

ARCHIVE is the SDK's source distribution, TEST the one test to run (`test_api.ApiTest.test_restore`). The last line of
the output is a JSON object: the outcome of each test, as `["passed", ""]`, `["failed", why]` or `["skipped", why]`.
"""

import json
import os
import shutil
import socket
import sys
import tarfile
import tempfile
import unittest
import urllib.request
import warnings
from urllib.parse import parse_qs, urlsplit

import cloudinary

HERE = os.path.dirname(os.path.abspath(__file__))
STAND_IN = parse_qs(urlsplit(os.environ["CLOUDINARY_URL"]).query)["upload_prefix"][0]

# It waits for an upload for a millisecond, in which the stand-in may well answer.
IN_NEED_OF_A_SLOW_UPLOAD = "test_uploader.UploaderTest.test_upload_timeout"

STORAGE = """
class DummyCacheStorage(dict):
    def set(self, key, value):
        self[key] = value
        return True

    def delete(self, key):
        return self.pop(key, None) is not None
"""


class Outcomes(unittest.TestResult):
    """The outcome of each test; an error outside of tests goes by the name of its class."""

    def __init__(self):
        super().__init__()
        self.by_name = {}

    def startTest(self, test):
        super().startTest(test)
        if name_of(test) == IN_NEED_OF_A_SLOW_UPLOAD:
            control("POST", "fault", {"operation": "upload", "delay_ms": 500, "times": 1})

    def addSuccess(self, test):
        self._add(test, "passed", "")

    def addFailure(self, test, err):
        self._add(test, "failed", self._exc_info_to_string(err, test))

    addError = addFailure

    def addSkip(self, test, reason):
        self._add(test, "skipped", reason)

    def addSubTest(self, test, subtest, err):
        if err is not None:
            self.addFailure(test, err)

    def addUnexpectedSuccess(self, test):
        self._add(test, "failed", "was expected to fail")

    def _add(self, test, outcome, why):
        known, _ = self.by_name.get(name_of(test), ("passed", ""))
        if known == "passed":
            self.by_name[name_of(test)] = (outcome, why)


def name_of(test):
    return test.id().replace("test.test_", "test_")


def control(method, path, body):
    url = "{}/_control/{}".format(STAND_IN, path)
    request = urllib.request.Request(url, json.dumps(body).encode(), method=method)
    urllib.request.urlopen(request).close()


def stay_on_this_machine():
    """Sends requests for delivered files to the stand-in, and lets no test reach another machine."""
    connect, resolve = socket.socket.connect, socket.getaddrinfo
    delivery = urlsplit(STAND_IN)

    def guard(host):
        if host not in ("127.0.0.1", "localhost"):
            raise OSError("the suite reaches no other machine: {}".format(host))

    def guarded_connect(self, address):
        guard(address[0])
        return connect(self, address)

    def guarded_resolve(host, port, *arguments, **options):
        if (host, port) == ("res.cloudinary.com", 80):
            host, port = delivery.hostname, delivery.port
        guard(host)
        return resolve(host, port, *arguments, **options)

    socket.socket.connect, socket.getaddrinfo = guarded_connect, guarded_resolve


def assemble(archive, folder):
    """Puts the package `test` together: the suite as it is, and the helpers that it is distributed without."""
    package = os.path.join(folder, "test")
    os.mkdir(package)
    wanted = "cloudinary-{}/test/".format(cloudinary.VERSION)
    with tarfile.open(archive) as source:
        for member in source.getmembers():
            if member.name.startswith(wanted) and member.isfile():
                with open(os.path.join(package, os.path.basename(member.name)), "wb") as file:
                    shutil.copyfileobj(source.extractfile(member), file)
    for name in ("helper_test.py", "files.py"):
        shutil.copy(os.path.join(HERE, name), package)
    storage = os.path.join(package, "cache", "storage")
    os.makedirs(storage)
    write(os.path.join(storage, "dummy_cache_storage.py"), STORAGE)
    # With it the package comes before the standard library's of the same name.
    write(os.path.join(package, "__init__.py"), "")
    return sorted(name[:-3] for name in os.listdir(package) if name.startswith("test_"))


def write(path, text):
    with open(path, "w") as file:
        file.write(text)


def run(archive, only):
    with tempfile.TemporaryDirectory() as folder:
        modules = assemble(archive, folder)
        os.chdir(folder)
        sys.path.insert(0, folder)
        from test import files

        resources = os.path.join(folder, "resources")
        os.mkdir(resources)
        files.make(resources)
        os.environ["SDK_SUITE_FILES"] = resources
        os.environ["SDK_SUITE_REMOTE"] = files.serve(resources)
        # Half of the tests of searches ask for it.
        os.environ["RUN_SEARCH_TESTS"] = "1"
        names = ["test." + name for name in ([only] if only else modules)]
        outcomes = Outcomes()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            unittest.defaultTestLoader.loadTestsFromNames(names).run(outcomes)
    return outcomes.by_name


if __name__ == "__main__":
    stay_on_this_machine()
    print(json.dumps(run(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None)))
