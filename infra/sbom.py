"""Writes the bill of materials of the functions: every crate in their programs and every npm package of the console,
as CycloneDX JSON.

  sbom.py [ARCH...]      arm64, x86_64; into dist/ARCH/sbom.cdx.json

The same lock file and compiler make the same bytes: there is no time and no random number in it.
"""

import json
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import sbom_npm

NAME = "sbom.cdx.json"
TARGETS = {"arm64": "aarch64-unknown-linux-gnu", "x86_64": "x86_64-unknown-linux-gnu"}
PROJECT = "media-sync"


def linked(tree):
    """The crates that `cargo tree --prefix none` names, as pairs of name and version."""
    return {(name, version) for name, version in re.findall(r"^(\S+) v(\S+)", tree, re.MULTILINE)}


def checksums(lock):
    """The SHA-256 of each published crate, by name and version, as Cargo.lock has it."""
    entry = r'^name = "(.+)"\nversion = "(.+)"\nsource = ".+"\nchecksum = "(.+)"$'
    return {(name, version): digest for name, version, digest in re.findall(entry, lock, re.MULTILINE)}


def expression(license):
    """A licence in SPDX's present form: crates may still part alternatives by a slash."""
    return re.sub(r"\s*/\s*", " OR ", license)


def key(package):
    return package["name"], package["version"]


def reference(package):
    """A package URL for published crates; the name and the version for our own."""
    name, version = key(package)
    return f"pkg:cargo/{name}@{quote(version)}" if package["source"] else f"{name}@{version}"


def component(package, functions, digests):
    is_function = package["name"] in functions
    told = {
        "type": "application" if is_function else "library",
        "bom-ref": reference(package),
        "name": package["name"],
        "version": package["version"],
    }
    if package["license"]:
        told["licenses"] = [{"expression": expression(package["license"])}]
    if package["source"]:
        told["purl"] = reference(package)
        told["hashes"] = [{"alg": "SHA-256", "content": digests[key(package)]}]
    if package["repository"]:
        told["externalReferences"] = [{"type": "vcs", "url": package["repository"]}]
    return told


def needs(node, references):
    """The crates that a crate is linked with; those that only its build or its tests need are not."""
    linked_with = [one["pkg"] for one in node["deps"] if any(kind["kind"] is None for kind in one["dep_kinds"])]
    return sorted(references[package] for package in linked_with if package in references)


def document(metadata, functions, crates, digests, arch, compiler):
    """The bill of materials. `crates` are those linked into the functions, as `linked` tells them."""
    packages = sorted((one for one in metadata["packages"] if key(one) in crates), key=key)
    references = {one["id"]: reference(one) for one in packages}
    version = next(one["version"] for one in packages if one["name"] in functions)
    root = f"{PROJECT}@{version}"
    standard = f"rust-std@{compiler}"
    names = sorted(references[one["id"]] for one in packages if one["name"] in functions)
    nodes = [node for node in metadata["resolve"]["nodes"] if node["id"] in references]
    edges = {references[node["id"]]: [*needs(node, references), standard] for node in nodes}
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {"type": "application", "bom-ref": root, "name": PROJECT, "version": version},
            "properties": [{"name": f"{PROJECT}:architecture", "value": arch}],
        },
        "components": [
            *(component(one, functions, digests) for one in packages),
            {"type": "library", "bom-ref": standard, "name": "rust-std", "version": compiler},
        ],
        "dependencies": [
            {"ref": root, "dependsOn": names},
            *({"ref": name, "dependsOn": edges[name]} for name in sorted(edges)),
            {"ref": standard},
        ],
    }


def told(*words):
    return subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True).stdout


def read(arch):
    """The bill of materials of the functions in this folder, for one architecture."""
    functions = sorted(folder.name for folder in Path("functions").iterdir() if folder.is_dir())
    target = TARGETS[arch]
    metadata = told("cargo", "metadata", "--locked", "--format-version=1", f"--filter-platform={target}")
    # The metadata has the features that tests ask for, too. The tree has those that the functions are built with.
    chosen = [f"--package={name}" for name in functions]
    kinds = ["--edges=normal,no-proc-macro", f"--target={target}", "--prefix=none"]
    tree = told("cargo", "tree", "--locked", *chosen, *kinds)
    compiler = told("rustc", "--version").split()[1]
    digests = checksums(Path("Cargo.lock").read_text())
    bill = document(json.loads(metadata), functions, linked(tree), digests, arch, compiler)
    version = bill["metadata"]["component"]["version"]
    for lock in sorted(Path("functions").glob("*/web/package-lock.json")):
        function = lock.parts[1]
        sbom_npm.add(bill, f"{function}@{version}", json.loads(lock.read_text()))
    return bill


def text(arch):
    return json.dumps(read(arch), indent=1) + "\n"


def main():
    for arch in sys.argv[1:] or TARGETS:
        place = Path("dist") / arch / NAME
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text(arch))
        print(f"sbom: {place}", file=sys.stderr)


if __name__ == "__main__":
    main()
