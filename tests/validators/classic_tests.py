"""Names of all tests of iiif-validator for a version, but those of output formats that the server does not announce."""
import contextlib
import sys

with contextlib.redirect_stdout(sys.stderr):  # the package talks while it is imported
    from iiif_validator.validator import TestSuite, ValidationInfo

    tests = TestSuite(ValidationInfo()).list_tests(sys.argv[1])
NOT_WRITTEN = {"format_jp2", "format_pdf"}
print(*sorted(set(tests) - NOT_WRITTEN))
