# The menu. Every line can be run by hand as well.
TARGET ?= $(or $(CARGO_TARGET_DIR),target)

.PHONY: help serve test bench lint examples

help:            ## this list
	@grep -hE '^[a-z]+: .*##|^[a-z]+:  *##' $(MAKEFILE_LIST) | sed -E 's/:.*## */\t/'

serve:           ## build everything and serve examples/ (FOLDER=... serves another folder)
	scripts/setup.sh web
	cargo build --release -p recto
	$(TARGET)/release/recto serve $(or $(FOLDER),examples)

test:            ## everything that CI runs
	scripts/test.sh

bench:           ## benchmarks: kernels, and Recto beside its peers where they are installed
	bench/run.sh

lint:            ## format, lints, arrows, licences
	cargo fmt --check
	cargo clippy --workspace --all-targets -- -D warnings
	cargo run -q -p xtask -- arrows

examples:        ## draw examples/ anew
	cargo run --release -p xtask -- examples
