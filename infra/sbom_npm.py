"""The npm packages of a page, for the bill of materials of the function that holds it.

All that the lock file installs for use is named; the bundler may leave parts of it out.
"""

import base64
from urllib.parse import quote


def name_of(place):
    """The package that lies at this place of the tree, such as `node_modules/one/node_modules/@two/three`."""
    return place.rpartition("node_modules/")[2]


def reference(place, entry):
    return f"pkg:npm/{quote(name_of(place), safe='/')}@{quote(entry['version'])}"


def component(place, entry):
    algorithm, _, digest = entry["integrity"].partition("-")
    told = {
        "type": "library",
        "bom-ref": reference(place, entry),
        "name": name_of(place),
        "version": entry["version"],
        "purl": reference(place, entry),
        "hashes": [{"alg": algorithm.upper().replace("SHA", "SHA-"), "content": base64.b64decode(digest).hex()}],
    }
    if "license" in entry:
        told["licenses"] = [{"expression": entry["license"]}]
    return told


def found(packages, place, name):
    """The place of the package that `name` means at `place`: npm looks beside the package first, then further out."""
    while True:
        inner = f"{place}/node_modules/{name}".lstrip("/")
        if inner in packages or not place:
            return inner
        place = place.rpartition("node_modules/")[0].rstrip("/")


def needs(packages, place, entry):
    places = (found(packages, place, name) for name in entry.get("dependencies", {}))
    return sorted(reference(one, packages[one]) for one in places if one in packages)


def add(bill, function, lock):
    """Names the packages of this lock file beneath the function's component."""
    packages = lock["packages"]
    used = {place: entry for place, entry in packages.items() if place and not entry.get("dev")}
    components = {reference(*one): component(*one) for one in used.items()}
    edges = {reference(*one): needs(used, *one) for one in used.items()}
    bill["components"] += [components[one] for one in sorted(components)]
    for dependency in bill["dependencies"]:
        if dependency["ref"] == function:
            dependency["dependsOn"] += needs(used, "", packages[""])
    bill["dependencies"] += [{"ref": one, "dependsOn": edges[one]} for one in sorted(edges)]
