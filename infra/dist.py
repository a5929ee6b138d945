"""Packs built functions for AWS: a zip for each, the template that names the zips, their bill of materials, checksums.

  dist.py --arch ARCH [--functions target/lambda] [--template template.yaml] [--out dist/ARCH] [--fast]

The same code makes the same bytes. `sam deploy --template dist/ARCH/template.packaged.yaml --resolve-s3` takes the
result as well as `mediasync init` does. `--fast` hardly compresses, for large programs that stay on this machine.
"""

import argparse
import hashlib
import os
import sys
import zipfile
from pathlib import Path

import sbom
from samcli.yamlhelper import yaml_dump, yaml_parse

TEMPLATE = "template.packaged.yaml"
SUMS = "SHA256SUMS"
BUILD = "BUILD"
# ELF's e_machine, at byte 18.
MACHINES = {"arm64": 183, "x86_64": 62}


def packaged(template, arch):
    """The template with zips for folders, and the folders by their zips' names."""
    document = yaml_parse(template.read_text())
    document["Parameters"]["Architecture"]["Default"] = arch
    folders = {}
    for resource in document["Resources"].values():
        properties = resource.get("Properties", {})
        if resource["Type"] == "AWS::Serverless::Function":
            folder = template.parent / properties["CodeUri"]
            name = f"{folder.name}.zip"
            folders[name] = folder
            properties["CodeUri"] = name
    return yaml_dump(document), folders


def pack(program, place, level):
    """Writes a zip of one program that depends on nothing but the program."""
    entry = zipfile.ZipInfo("bootstrap", date_time=(1980, 1, 1, 0, 0, 0))
    entry.create_system = 3
    entry.external_attr = 0o100755 << 16
    entry.compress_type = zipfile.ZIP_DEFLATED
    draft = place.with_suffix(f".{os.getpid()}")
    with zipfile.ZipFile(draft, "w") as archive:
        archive.writestr(entry, program.read_bytes(), compresslevel=level)
    draft.replace(place)


def is_for(program, arch):
    with program.open("rb") as file:
        head = file.read(20)
    return head[:4] == b"\x7fELF" and int.from_bytes(head[18:20], "little") == MACHINES[arch]


def build(functions):
    """The build that the functions tell of themselves: build-functions.sh notes it beside them."""
    note = functions / BUILD
    return note.read_text() if note.is_file() else "dev\n"


def write(path, text):
    draft = path.with_suffix(f".{os.getpid()}")
    draft.write_text(text)
    draft.replace(path)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--arch", required=True, choices=sorted(MACHINES))
    parser.add_argument("--functions", type=Path)
    parser.add_argument("--template", type=Path, default=Path("template.yaml"))
    parser.add_argument("--out", type=Path)
    parser.add_argument("--fast", action="store_true")
    options = parser.parse_args()
    out = options.out or Path("dist") / options.arch
    out.mkdir(parents=True, exist_ok=True)
    text, folders = packaged(options.template.resolve(), options.arch)
    functions = options.functions or next(iter(folders.values())).parent
    for name, folder in folders.items():
        program = functions / folder.name / "bootstrap"
        if not program.is_file():
            sys.exit(f"dist: {program} was not built")
        if not is_for(program, options.arch):
            sys.exit(f"dist: {program} is no program for {options.arch}")
        place = out / name
        if not place.exists() or place.stat().st_mtime_ns <= program.stat().st_mtime_ns:
            pack(program, place, 1 if options.fast else 9)
    for old in out.glob("*.zip"):
        if old.name not in folders:
            old.unlink()
    write(out / TEMPLATE, text)
    write(out / BUILD, build(functions))
    write(out / sbom.NAME, sbom.text(options.arch))
    names = sorted([BUILD, TEMPLATE, sbom.NAME, *folders])
    sums = [f"{hashlib.sha256((out / name).read_bytes()).hexdigest()}  {name}\n" for name in names]
    write(out / SUMS, "".join(sums))
    print(f"dist: {out}: {len(folders)} functions for {options.arch}", file=sys.stderr)


main()
