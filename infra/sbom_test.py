"""Bills of materials of a made-up crate graph: what is linked is named, with its licence, checksum and needs."""

import unittest

import sbom

TREE = """one v0.2.0 (/project/functions/one)
shared v0.2.0 (/project/shared)
linked v1.0.0+build.3
linked v1.0.0+build.3 (*)
"""
LOCK = """[[package]]
name = "linked"
version = "1.0.0+build.3"
source = "registry+https://example.com"
checksum = "ab12"
dependencies = [
 "other",
]

[[package]]
name = "one"
version = "0.2.0"
"""


def package(name, version, source=None, license="MIT"):
    repository = f"https://example.com/{name}" if source else None
    facts = {"source": source, "license": license, "repository": repository}
    return {"id": name, "name": name, "version": version, **facts}


def node(name, **kinds):
    deps = [{"pkg": one, "dep_kinds": [{"kind": kind} for kind in found]} for one, found in kinds.items()]
    return {"id": name, "deps": deps}


METADATA = {
    "packages": [
        package("one", "0.2.0"),
        package("shared", "0.2.0"),
        package("linked", "1.0.0+build.3", source="registry", license="MIT/Apache-2.0"),
        package("tested", "3.0.0", source="registry"),
    ],
    "resolve": {
        "nodes": [
            node("one", shared=[None]),
            node("shared", linked=[None, "build"], tested=["dev"]),
            node("linked", tested=[None]),
            node("tested"),
        ],
    },
}


class BillOfMaterials(unittest.TestCase):
    def setUp(self):
        crates = sbom.linked(TREE)
        digests = sbom.checksums(LOCK)
        self.bill = sbom.document(METADATA, ["one"], crates, digests, "arm64", "1.95.0")
        self.components = {one["name"]: one for one in self.bill["components"]}
        self.needs = {one["ref"]: one.get("dependsOn") for one in self.bill["dependencies"]}

    def test_only_linked_crates_and_the_standard_library_are_named(self):
        self.assertEqual(list(self.components), ["linked", "one", "shared", "rust-std"])

    def test_functions_are_the_applications(self):
        kinds = {name: one["type"] for name, one in self.components.items()}
        libraries = {"shared": "library", "linked": "library", "rust-std": "library"}
        self.assertEqual(kinds, {"one": "application", **libraries})

    def test_a_published_crate_has_its_address_checksum_and_licence(self):
        linked = self.components["linked"]
        self.assertEqual(linked["purl"], "pkg:cargo/linked@1.0.0%2Bbuild.3")
        self.assertEqual(linked["hashes"], [{"alg": "SHA-256", "content": "ab12"}])
        self.assertEqual(linked["licenses"], [{"expression": "MIT OR Apache-2.0"}])
        self.assertEqual(linked["externalReferences"], [{"type": "vcs", "url": "https://example.com/linked"}])

    def test_a_crate_of_ours_has_no_address_of_a_registry(self):
        self.assertNotIn("purl", self.components["shared"])

    def test_needs_lead_from_the_project_to_its_functions_and_their_crates(self):
        linked = "pkg:cargo/linked@1.0.0%2Bbuild.3"
        expected = {
            "media-sync@0.2.0": ["one@0.2.0"],
            "one@0.2.0": ["shared@0.2.0", "rust-std@1.95.0"],
            "shared@0.2.0": [linked, "rust-std@1.95.0"],
            linked: ["rust-std@1.95.0"],
            "rust-std@1.95.0": None,
        }
        self.assertEqual(self.needs, expected)

    def test_every_reference_is_a_component(self):
        there = {one["bom-ref"] for one in self.bill["components"]}
        there.add(self.bill["metadata"]["component"]["bom-ref"])
        self.assertEqual(set(self.needs), there)


if __name__ == "__main__":
    unittest.main()
