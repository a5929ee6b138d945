"""Holds the functions' bills of materials to CycloneDX's own schema."""

import sys
from pathlib import Path

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import sbom

validator = JsonStrictValidator(SchemaVersion.V1_6)
for arch in sbom.TARGETS:
    fault = validator.validate_str(sbom.text(arch))
    if fault:
        sys.exit(f"sbom for {arch}: {fault.data.message} at {fault.data.json_path}")
