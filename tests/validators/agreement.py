#!/usr/bin/env python3
"""Do we and the public Presentation validator say the same of the same documents?

    python3 tests/validators/agreement.py --validator FOLDER [--ours COMMAND] FOLDER...

Requirements:
  - Python 3.11 or newer with a virtual environment that has `jsonschema` and `referencing` (for 3.0 and 4.0) and
    `iiif-prezi` 0.2.9 with `PyLD`, `lxml`, `requests`, `jsonpath-rw` (for 2.x):
        python3 -m venv venv
        venv/bin/pip install jsonschema referencing iiif-prezi==0.2.9 PyLD lxml requests jsonpath-rw
  - a copy of the repository IIIF/presentation-validator, named by --validator
  - our side: a command that takes file names on its standard input, one a line, and prints one JSON object a line:
    {"file": …, "kind": …, "errors": [{"rule": …, "pointer": …, "message": …}, …]}.
    Without --ours, the example `findings` of `recto-iiif` is built and run.

Every `.json` file below the folders that names a Presentation context is held against both. Nothing is fetched: contexts that the
loader for 2.x asks for come from its own package, others are taken to be empty. Placeholders of sites that are built by Jekyll
(`{{ id.url }}` and `{{ id.path }}`) become addresses, in copies that both sides read.
The report has the share of agreement for each version, and each disagreement with what both sides say.
"""

import argparse
import contextlib
import io
import json
import pathlib
import subprocess
import sys
import tempfile


def contexts(document):
    context = document.get("@context", "") if isinstance(document, dict) else ""
    return [one for one in (context if isinstance(context, list) else [context]) if isinstance(one, str)]


def version(document):
    """Which version the document says that it is of; None for what is no Presentation document."""
    names = contexts(document)
    for number, mark in (("4.0", "presentation/4/"), ("3.0", "presentation/3/"), ("2.x", "presentation/2/")):
        if any(mark in name for name in names):
            return number
    return "1.0" if any("shared-canvas.org" in name for name in names) else None


class Public:
    """The public validator's schemas and its loader."""

    def __init__(self, folder):
        import jsonschema
        from referencing import Registry, Resource
        from referencing.jsonschema import DRAFT202012

        sys.path.insert(0, str(folder))
        schemas = folder / "schema"
        self.v3 = jsonschema.Draft7Validator(json.loads((schemas / "iiif_3_0.json").read_text()))
        base = "https://iiif.io/api/presentation/4.0/schema/"
        resources, names = [], {}
        for path in sorted((schemas / "v4").glob("*.json")):
            resource = Resource.from_contents(json.loads(path.read_text()), default_specification=DRAFT202012)
            names[path.name.lower()] = resource
            resources.append((base + path.name, resource))
            # The schemas name each other with capitals that their files do not always have.
            resources.append((base + path.name[0].upper() + path.name[1:], resource))
        main = names["main.json"].contents
        self.offline()
        self.v4 = jsonschema.Draft202012Validator(main, registry=Registry().with_resources(resources))

    @staticmethod
    def offline():
        """The loader for 2.x asks for contexts; it gets those of its package, and empty ones for others."""
        # Its package names a loader that fetches; ours comes after.
        import presentation_validator.v4.unique_ids  # noqa: F401
        from iiif_prezi import loader
        from pyld import jsonld

        def context(url, options=None):
            known = url in loader.ManifestReader.contexts.values()
            text = loader.load_document_local(url)["document"] if known else '{"@context": {}}'
            return {"contextUrl": None, "documentUrl": url, "document": json.loads(text), "contentType": "application/ld+json"}

        jsonld.set_document_loader(context)

    def verdict(self, document, number):
        """The reasons to refuse the document; none where it is accepted."""
        if number == "3.0":
            return self.schema(self.v3, document)
        if number == "4.0":
            return self.schema(self.v4, document) + self.duplicates(document)
        return self.loader(document, "1.0" if number == "1.0" else "2.1")

    @staticmethod
    def schema(validator, document):
        from jsonschema.exceptions import best_match

        found = []
        for error in validator.iter_errors(document):
            # Of several classes of which none fits, the one with the fewest faults is meant.
            groups = {}
            for inner in error.context or []:
                groups.setdefault(inner.relative_schema_path[0], []).append(inner)
            meant = min(groups.values(), key=len, default=[error])
            # A class that fails by its type alone says the least.
            speaking = [group for group in groups.values() if not any(list(e.relative_path) == ["type"] for e in group)]
            for inner in min(speaking, key=len, default=meant):
                best = best_match([inner])
                found.append("/".join(map(str, best.absolute_path)) + ": " + best.message[:200])
        return found

    @staticmethod
    def duplicates(document):
        from presentation_validator.v4.unique_ids import checkNode

        found = []
        checkNode(document, [], found)
        return ["duplicate id at " + str(getattr(each, "location", getattr(each, "path", each))) for each in found]

    @staticmethod
    def loader(document, number):
        from iiif_prezi.loader import ManifestReader

        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            try:
                ManifestReader(json.dumps(document), version=number).read().toJSON()
            except Exception as error:  # The loader raises whatever it stumbles over.
                return [type(error).__name__ + ": " + str(error)[:200]]
        return []


def ours(command, files):
    done = subprocess.run(command, input="\n".join(files), capture_output=True, text=True, check=True, shell=True)
    return {report["file"]: report for report in map(json.loads, done.stdout.splitlines())}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--validator", type=pathlib.Path, required=True, help="a copy of IIIF/presentation-validator")
    parser.add_argument("--ours", default="cargo run -q -p recto-iiif --example findings", help="our side's command")
    parser.add_argument("folders", nargs="+", type=pathlib.Path)
    arguments = parser.parse_args()
    public = Public(arguments.validator)

    documents, copies = {}, tempfile.TemporaryDirectory()
    for folder in arguments.folders:
        for path in sorted(folder.rglob("*.json")) if folder.is_dir() else [folder]:
            try:
                text = path.read_text(encoding="utf-8-sig")
                place = "https://example.org/" + path.parent.name
                filled = text.replace("{{ id.url }}", f"{place}/{path.name}").replace("{{ id.path }}", place)
                document = json.loads(filled)
            except (ValueError, OSError):
                continue
            number = version(document)
            if number:
                copy = path
                if filled != text:
                    copy = pathlib.Path(copies.name) / f"{len(documents)}.json"
                    copy.write_text(filled, encoding="utf-8")
                documents[str(path)] = (document, number, str(copy))
    reports = ours(arguments.ours, [copy for _, _, copy in documents.values()])

    counts, lines = {}, []
    for path, (document, number, copy) in documents.items():
        theirs, errors = public.verdict(document, number), reports[copy]["errors"]
        agreed, total = counts.get(number, (0, 0))
        agrees = bool(theirs) == bool(errors)
        counts[number] = (agreed + agrees, total + 1)
        if not agrees:
            lines.append(f"\n{number} {path} ({reports[copy]['kind']})")
            lines += [f"  public: {reason}" for reason in theirs[:6]] or ["  public: accepts it"]
            lines += [f"  ours: {e['rule']} {e['pointer']} {e['message']}" for e in errors[:6]] or ["  ours: accepts it"]
    print("\n".join(lines).strip())
    print()
    for number, (agreed, total) in sorted(counts.items()):
        print(f"{number}: {agreed} of {total} agree, {100 * agreed / total:.1f} %")


if __name__ == "__main__":
    main()
