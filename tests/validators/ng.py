"""Runs every test of iiif-validator-ng against a server and fails when one fails."""
import sys

from iiif_validator.tests.test import IIIFVersion, TargetServer, ValidationFailure
from iiif_validator.validate import run_tests

base_url, version, identifier = sys.argv[1:4]
server = TargetServer(base_url, validation_id=identifier, version=IIIFVersion.V2 if version == "2" else IIIFVersion.V3)
features = server.feature_set()
passed = failed = 0
for test, results in run_tests(server, max_threads=2):
    for result in results if isinstance(results, list) else [results]:
        if isinstance(result, ValidationFailure):
            failed += 1
            print(f"FAIL {test.name}: {result.details}\n  url {result.url}\n  expected {result.expected}\n  received {result.received}")
        else:
            passed += 1
print(f"iiif-validator-ng 0.1.0, Image API {version}, {features.compliance_level.name}: {passed} passed, {failed} failed")
sys.exit(1 if failed or not passed else 0)
