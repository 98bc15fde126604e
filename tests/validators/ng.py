"""Runs every test of iiif-validator-ng against a server and fails when one fails that should not."""
import sys

from iiif_validator.tests.test import IIIFVersion, TargetServer, ValidationFailure
from iiif_validator.validate import run_tests

base_url, version, identifier = sys.argv[1:4]
server = TargetServer(base_url, validation_id=identifier, version=IIIFVersion.V2 if version == "2" else IIIFVersion.V3)
features = server.feature_set()
# The text of Image API 3.0, section 4.2, wants `!w,h` larger than the image served at the image's size; the validator wants it refused.
EXPECTED = {"Retrieving upscaled image with size='!2000,3000' succeeded but should have failed."} if version == "3" else set()
passed, unexpected, expected = 0, 0, set()
for test, results in run_tests(server, max_threads=2):
    for result in results if isinstance(results, list) else [results]:
        if not isinstance(result, ValidationFailure):
            passed += 1
        elif result.details in EXPECTED:
            expected.add(result.details)
        else:
            unexpected += 1
            print(f"FAIL {test.name}: {result.details}\n  url {result.url}\n  expected {result.expected}\n  received {result.received}")
print(
    f"iiif-validator-ng 0.1.0, Image API {version}, {features.compliance_level.name}: {passed} passed, {unexpected} failed, "
    f"{len(expected)} where the specification says otherwise"
)
sys.exit(1 if unexpected or not passed or expected != EXPECTED else 0)
