"""Runs every test of iiif-validator-ng against a server and fails when one fails that should not.

    ng.py BASE VERSION IDENTIFIER plain|limits

With `limits` the server has limits that admit the whole picture and nothing larger: the one test that blows pictures up must then be
refused, and for that reason.
"""
import sys

from iiif_validator.tests.test import IIIFVersion, TargetServer, ValidationFailure
from iiif_validator.validate import run_tests

base_url, version, identifier, limits = sys.argv[1:5]
server = TargetServer(base_url, validation_id=identifier, version=IIIFVersion.V2 if version == "2" else IIIFVersion.V3)
features = server.feature_set()
# The text of Image API 3.0, section 4.2, wants `!w,h` larger than the image served at the image's size; the validator wants it refused.
EXPECTED = {"Retrieving upscaled image with size='!2000,3000' succeeded but should have failed."} if version == "3" else set()
# It knows no limits: blown up pictures must be there for it. In 2.1 it does not try, as the server does not name its extra feature.
REFUSED = {"Size greater than 100%"} if (version, limits) == ("3", "limits") else set()
passed, unexpected, expected, refused = 0, 0, set(), set()
for test, results in run_tests(server, max_threads=2):
    for result in results if isinstance(results, list) else [results]:
        if not isinstance(result, ValidationFailure):
            passed += 1
        elif result.details in EXPECTED:
            expected.add(result.details)
        elif test.name in REFUSED and "400" in result.received and "the limit is" in result.received:
            refused.add(test.name)
        else:
            unexpected += 1
            print(f"FAIL {test.name}: {result.details}\n  url {result.url}\n  expected {result.expected}\n  received {result.received}")
print(
    f"iiif-validator-ng 0.1.0, Image API {version}, {limits}, {features.compliance_level.name}: {passed} passed, {unexpected} failed, "
    f"{len(expected)} where the specification says otherwise, {len(refused)} refused by the limits"
)
sys.exit(1 if unexpected or not passed or expected != EXPECTED or refused != REFUSED else 0)
