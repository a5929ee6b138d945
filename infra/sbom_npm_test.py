"""Packages of a made-up lock file: those for use are named, below the function that holds the page."""

import unittest

import sbom_npm

LOCK = {
    "packages": {
        "": {"dependencies": {"@one/page": "1.0.0", "shared": "2.0.0"}, "devDependencies": {"tool": "1"}},
        "node_modules/@one/page": {
            "version": "1.0.0",
            "license": "MIT",
            "integrity": "sha512-qw==",
            "dependencies": {"shared": "^1.0.0", "gone": "1"},
        },
        "node_modules/@one/page/node_modules/shared": {"version": "1.5.0", "integrity": "sha512-qw=="},
        "node_modules/shared": {"version": "2.0.0", "integrity": "sha1-zQ=="},
        "node_modules/tool": {"version": "1.0.0", "integrity": "sha512-qw==", "dev": True},
    }
}

PAGE = "pkg:npm/%40one/page@1.0.0"


class NpmPackages(unittest.TestCase):
    def setUp(self):
        self.bill = {
            "components": [],
            "dependencies": [{"ref": "console@1", "dependsOn": ["rust"]}, {"ref": "other@1", "dependsOn": []}],
        }
        sbom_npm.add(self.bill, "console@1", LOCK)
        self.needs = {one["ref"]: one["dependsOn"] for one in self.bill["dependencies"]}

    def test_packages_for_use_are_named_and_tools_are_not(self):
        names = [(one["name"], one["version"]) for one in self.bill["components"]]
        self.assertEqual(names, [("@one/page", "1.0.0"), ("shared", "1.5.0"), ("shared", "2.0.0")])

    def test_a_package_has_its_address_checksum_and_licence(self):
        page = self.bill["components"][0]
        self.assertEqual(page["purl"], PAGE)
        self.assertEqual(page["hashes"], [{"alg": "SHA-512", "content": "ab"}])
        self.assertEqual(page["licenses"], [{"expression": "MIT"}])
        self.assertEqual(self.bill["components"][2]["hashes"], [{"alg": "SHA-1", "content": "cd"}])

    def test_the_function_needs_what_the_page_asks_for(self):
        self.assertEqual(self.needs["console@1"], ["rust", PAGE, "pkg:npm/shared@2.0.0"])
        self.assertEqual(self.needs["other@1"], [])

    def test_a_nested_package_comes_before_an_outer_one(self):
        self.assertEqual(self.needs[PAGE], ["pkg:npm/shared@1.5.0"])


if __name__ == "__main__":
    unittest.main()
