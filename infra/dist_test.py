"""Packs stand-ins of the functions, so that nothing is compiled: names, checksums, architectures, and what is refused."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
import zipfile
from pathlib import Path

from samcli.yamlhelper import yaml_parse

ROOT = Path(__file__).resolve().parent.parent
FUNCTIONS = sorted(folder.name for folder in (ROOT / "functions").iterdir() if folder.is_dir())
MACHINES = {"arm64": 183, "x86_64": 62}
SOURCES = [
    "infra/dist.sh",
    "infra/dist.py",
    "infra/sbom.py",
    "infra/sbom_npm.py",
    "infra/local/build-functions.sh",
    "template.yaml",
    "Cargo.lock",
    ".gitignore",
]

# Writes programs of an ELF header, their name and the build they were told. Knows no crates but the functions.
CARGO = r"""
import json
words = sys.argv[1:]
names = sorted(folder.name for folder in Path("functions").iterdir())
if words[0] == "tree":
    sys.exit(print("\n".join(f"{name} v1.0.0 (/functions/{name})" for name in names)))
if words[0] == "metadata":
    facts = {"version": "1.0.0", "source": None, "license": "MIT", "repository": None}
    nodes = [{"id": name, "deps": []} for name in names]
    packages = [{"id": name, "name": name, **facts} for name in names]
    sys.exit(print(json.dumps({"packages": packages, "resolve": {"nodes": nodes}})))
assert words[:3] == ["lambda", "build", "--release"], words
machine = {"--arm64": 183, "--x86-64": 62}[words[3]]
place = Path(words[words.index("--lambda-dir") + 1])
for option, name in zip(words, words[1:]):
    if option == "--package":
        (place / name).mkdir(parents=True, exist_ok=True)
        head = b"\x7fELF".ljust(18, b"\0") + machine.to_bytes(2, "little")
        told = f"{name} {os.environ['MEDIA_SYNC_BUILD']}"
        (place / name / "bootstrap").write_bytes(head + told.encode())
"""
STAND_INS = {
    "cargo": CARGO,
    "rustc": 'print("rustc 1.95.0" if "--version" in sys.argv else Path(__file__).resolve().parent.parent / "rust")',
    "rustup": 'sys.exit("rustup: there is no such target")',
}


class Project:
    """A copy of what packs the functions, with stand-ins for what compiles them."""

    def __init__(self, folder):
        self.root = Path(folder).resolve() / "project"
        for name in SOURCES:
            (self.root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, self.root / name)
        # The page has its own tests.
        page = self.root / "infra/local/build-console.sh"
        page.write_text("#!/bin/sh\n")
        page.chmod(0o755)
        for name in FUNCTIONS:
            (self.root / "functions" / name).mkdir(parents=True)
        (self.root / ".tools").mkdir()
        (self.root / ".tools/venv-sam").symlink_to(sys.prefix)
        self.programs = self.root.parent / "bin"
        self.programs.mkdir()
        for name, text in STAND_INS.items():
            program = self.programs / name
            program.write_text(f"#!{sys.executable}\nimport os, sys\nfrom pathlib import Path\n{text}\n")
            program.chmod(0o755)
        for target in ["aarch64-unknown-linux-gnu", "x86_64-unknown-linux-gnu"]:
            self.library(target).mkdir(parents=True)
        self.git("init", "--quiet")
        self.commit()

    def library(self, target):
        return self.root.parent / "rust/lib/rustlib" / target

    def git(self, *words):
        who = ["-c", "user.name=test", "-c", "user.email=test@example.com"]
        done = subprocess.run(["git", *who, *words], cwd=self.root, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def commit(self):
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "A change")

    def change(self):
        with (self.root / "template.yaml").open("a") as template:
            template.write("\n# Another line\n")

    def head(self):
        return self.git("rev-parse", "--short=12", "HEAD")

    def run(self, *words):
        environment = {**os.environ, "PATH": f"{self.programs}{os.pathsep}{os.environ['PATH']}"}
        return subprocess.run(words, cwd=self.root, env=environment, capture_output=True, text=True, check=False)

    def dist(self, *archs):
        return self.run("infra/dist.sh", *archs)

    def make(self, *archs):
        done = self.dist(*archs)
        assert done.returncode == 0, done.stderr

    def pack(self, functions, arch):
        return self.run(sys.executable, "-B", "infra/dist.py", "--arch", arch, "--functions", functions)

    def made(self, arch, name):
        return self.root / "dist" / arch / name

    def program(self, arch, function):
        """A zip's only entry, and its content."""
        with zipfile.ZipFile(self.made(arch, f"{function}.zip")) as archive:
            (entry,) = archive.infolist()
            return entry, archive.read(entry)


class WhatIsMade(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.project = Project(folder.name)
        cls.project.make(*MACHINES)

    def test_every_function_is_packed_for_each_architecture(self):
        for arch, machine in MACHINES.items():
            for name in FUNCTIONS:
                entry, program = self.project.program(arch, name)
                self.assertEqual(entry.filename, "bootstrap")
                self.assertEqual(entry.external_attr >> 16, 0o100755, "Lambda has to be allowed to run it")
                self.assertEqual(int.from_bytes(program[18:20], "little"), machine)
                self.assertIn(f"{name} ".encode(), program)

    def test_checksums_are_those_of_every_file(self):
        for arch in MACHINES:
            lines = self.project.made(arch, "SHA256SUMS").read_text().splitlines()
            sums = {name: digest for digest, name in (line.split("  ") for line in lines)}
            files = self.project.made(arch, ".").iterdir()
            there = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}
            del there["SHA256SUMS"]
            self.assertEqual(sums, there)

    def test_bill_of_materials_names_every_function(self):
        for arch in MACHINES:
            bill = json.loads(self.project.made(arch, "sbom.cdx.json").read_text())
            applications = [one["name"] for one in bill["components"] if one["type"] == "application"]
            self.assertEqual(applications, FUNCTIONS)

    def test_template_names_the_zips_and_the_architecture(self):
        for arch in MACHINES:
            template = yaml_parse(self.project.made(arch, "template.packaged.yaml").read_text())
            self.assertEqual(template["Parameters"]["Architecture"]["Default"], arch)
            resources = template["Resources"].values()
            functions = [one["Properties"] for one in resources if one["Type"] == "AWS::Serverless::Function"]
            self.assertEqual(sorted(one["CodeUri"] for one in functions), [f"{name}.zip" for name in FUNCTIONS])


class HowItIsMade(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.project = Project(folder.name)

    def test_build_is_the_one_that_the_functions_were_told(self):
        self.project.change()
        self.project.make("arm64")
        build = f"{self.project.head()}-changed"
        self.assertEqual(self.project.made("arm64", "BUILD").read_text(), f"{build}\n")
        _, program = self.project.program("arm64", "sync")
        self.assertTrue(program.endswith(f"sync {build}".encode()))

    def test_commit_during_the_build_does_not_change_its_name(self):
        build = self.project.head()
        self.project.make("arm64")
        self.project.change()
        self.project.commit()
        self.assertEqual(self.project.pack("target/dist/arm64", "arm64").returncode, 0)
        self.assertEqual(self.project.made("arm64", "BUILD").read_text(), f"{build}\n")

    def test_same_code_makes_the_same_bytes(self):
        sums = self.project.made("arm64", "SHA256SUMS")
        self.project.make("arm64")
        first = sums.read_text()
        shutil.rmtree(self.project.root / "dist")
        self.project.make("arm64")
        self.assertEqual(sums.read_text(), first)

    def test_architecture_that_cannot_be_built_fails_after_the_others_are_made(self):
        self.project.library("aarch64-unknown-linux-gnu").rmdir()
        done = self.project.dist("arm64", "x86_64")
        self.assertEqual(done.returncode, 1)
        self.assertIn("not made: arm64", done.stderr)
        self.assertIn("rustup target add aarch64-unknown-linux-gnu", done.stderr)
        self.assertTrue(self.project.made("x86_64", "SHA256SUMS").is_file())
        self.assertFalse(self.project.made("arm64", "SHA256SUMS").exists())

    def test_no_release_is_made_without_the_consoles_page(self):
        page = self.project.root / "infra/local/build-console.sh"
        page.write_text("#!/bin/sh\n[ \"${1:-}\" = if-possible ]\n")
        done = self.project.dist("arm64")
        self.assertNotEqual(done.returncode, 0)
        self.assertFalse(self.project.made("arm64", "SHA256SUMS").exists())

    def test_program_for_another_processor_is_refused(self):
        self.project.make("x86_64")
        done = self.project.pack("target/dist/x86_64", "arm64")
        self.assertEqual(done.returncode, 1)
        self.assertIn("is no program for arm64", done.stderr)
        self.assertFalse(self.project.made("arm64", "SHA256SUMS").exists())

    def test_function_that_was_not_built_is_refused(self):
        self.project.make("arm64")
        (self.project.root / "target/dist/arm64/sync/bootstrap").unlink()
        done = self.project.pack("target/dist/arm64", "arm64")
        self.assertEqual(done.returncode, 1)
        self.assertIn("sync/bootstrap was not built", done.stderr)

    def test_zip_of_a_function_that_is_gone_goes_too(self):
        old = self.project.made("arm64", "old.zip")
        old.parent.mkdir(parents=True)
        old.write_bytes(b"")
        self.project.make("arm64")
        self.assertFalse(old.exists())


if __name__ == "__main__":
    unittest.main()
