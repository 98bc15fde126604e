#!/usr/bin/env bash
# Makes sure that everything a build or a test run needs is there: installs Debian packages where it may, and names in one
# line what it may not install. Usage: scripts/setup.sh build|web|test
set -euo pipefail
cd "$(dirname "$0")/.."
what=${1:-build}

missing_tools=()
for tool in cargo cc node npm; do
    command -v "$tool" >/dev/null || missing_tools+=("$tool")
done
if [ ${#missing_tools[@]} -gt 0 ]; then
    echo "setup: please install first: ${missing_tools[*]} (Rust 1.95 or newer by rustup, a C compiler, Node 20 or newer)" >&2
    exit 1
fi

packages=()
need() { command -v "$1" >/dev/null || packages+=("$2"); }
need cmake cmake
need nasm nasm
need make make
if [ "$what" = test ]; then
    need chromium chromium
    need python3 python3
    python3 -c 'import venv, ensurepip' 2>/dev/null || packages+=(python3-venv)
    ldconfig -p | grep -q libmagic.so.1 || packages+=(libmagic1)
    # The newer validator looks at JPEG 2000 and PDF with the system's libvips; the one in its Python package has neither.
    ldconfig -p | grep -q libvips.so.42 || packages+=(libvips42)
    # Other programs open the PDFs, archives and recordings that the tests make.
    need qpdf qpdf
    need pdftotext poppler-utils
    need mutool mupdf-tools
    need unzip unzip
    need ffmpeg ffmpeg
    # And the pictures in formats that the tests' own reader does not know.
    need djxl libjxl-tools
    need opj_decompress libopenjp2-tools
    need vips libvips-tools
    # HEIC is read by the system's library, loaded while the program runs.
    ldconfig -p | grep -q libheif.so.1 || packages+=(libheif1)
    [ -e /usr/share/fonts/truetype/dejavu/DejaVuSerif.ttf ] || packages+=(fonts-dejavu-core)
fi
if [ ${#packages[@]} -gt 0 ]; then
    run=()
    [ "$(id -u)" = 0 ] || run=(sudo -n)
    if ! command -v apt-get >/dev/null || ! { [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null; }; then
        echo "setup: please install these Debian packages (or your system's equal): ${packages[*]}" >&2
        exit 1
    fi
    echo "setup: installing ${packages[*]}" >&2
    export DEBIAN_FRONTEND=noninteractive
    "${run[@]}" apt-get update -q >/dev/null
    "${run[@]}" apt-get install -y -q --no-install-recommends "${packages[@]}" >/dev/null
fi

# The viewers are built from npm packages of pinned versions, once per change of the lock file.
if [ "$what" != build ]; then
    stamp=web/node_modules/.installed
    if ! cmp -s web/package-lock.json "$stamp" 2>/dev/null; then
        (cd web && npm ci --no-audit --no-fund --loglevel=error)
        cp web/package-lock.json "$stamp"
    fi
    (cd web && node build.mjs)
fi
if [ "$what" = test ]; then
    stamp=tests/browser/node_modules/.installed
    if ! cmp -s tests/browser/package-lock.json "$stamp" 2>/dev/null; then
        (cd tests/browser && PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm ci --no-audit --no-fund --loglevel=error)
        cp tests/browser/package-lock.json "$stamp"
    fi
    # What our own conversions of documents are held against.
    stamp=tests/oracles/node_modules/.installed
    if ! cmp -s tests/oracles/package-lock.json "$stamp" 2>/dev/null; then
        (cd tests/oracles && npm ci --no-audit --no-fund --loglevel=error)
        cp tests/oracles/package-lock.json "$stamp"
    fi
    target=${CARGO_TARGET_DIR:-target}
    for kind in classic ng; do
        venv=$target/validators/$kind
        stamp=$venv/.installed
        # This script is part of the stamp: what it does to the packages is as much of them as their versions.
        wanted=$(cat "tests/validators/requirements-$kind.txt" scripts/setup.sh | sha256sum)
        if [ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ]; then
            python3 -m venv --clear "$venv"
            "$venv/bin/pip" install -q --disable-pip-version-check -r "tests/validators/requirements-$kind.txt"
            [ "$kind" = classic ] || "$venv/bin/pip" uninstall -q --disable-pip-version-check -y pyvips-binary
            # iiif-validator-ng says that it runs on Python 3.9, but writes one class in the way of 3.12.
            find "$venv" -path '*iiif_validator/validate.py' -exec sed -i \
                's/^class SizedGenerator\[T\]:/from typing import Generic, TypeVar\nT = TypeVar("T")\n\n\nclass SizedGenerator(Generic[T]):/' {} +
            echo "$wanted" > "$stamp"
        fi
    done
fi
