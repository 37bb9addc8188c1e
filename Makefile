# Few verbs; logic lives in house/ and xtask.
.PHONY: run serve test bench lint docs dist fuzz clean setup

CARGO ?= cargo

run: setup ## build and show the demo: genuine attacks, verified blocks
	house/run demo

serve: setup ## a clean centre in ./lianfang-data
	house/run serve --data lianfang-data

test: setup ## everything: unit, both databases, namespaces, browser
	house/test

bench: setup ## writes docs/performance.md
	house/bench

lint: ## formatting, clippy, licences, tidy
	house/lint

docs: ## API documentation of every room, warnings are errors
	RUSTDOCFLAGS="-D warnings -A rustdoc::private_intra_doc_links" $(CARGO) doc --workspace --no-deps --document-private-items

dist: setup ## stripped binaries, .deb, SBOM in target/dist
	$(CARGO) xtask dist

fuzz: ## one target per parser, seconds each by FUZZ_SECONDS
	$(CARGO) xtask fuzz

setup:
	@house/setup

clean:
	$(CARGO) clean
