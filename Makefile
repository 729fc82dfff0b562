# What a person types and what CI runs are the same targets. `make help` lists them.

# Build results stay outside the checkout: a fresh clone starts warm, and nothing large lies in the working tree.
cache := $(if $(XDG_CACHE_HOME),$(XDG_CACHE_HOME),$(HOME)/.cache)/cicdcontext
export CARGO_TARGET_DIR ?= $(cache)/target

# Whether every crate of Cargo.lock is on this machine, asked once and only by targets that use cargo. If so, cargo may
# not reach for the network at all: a second run works without one.
host = $(shell rustc -vV | sed -n 's/^host: //p')
offline = $(eval offline := $(shell cargo fetch --quiet --locked --offline --target $(host) >/dev/null 2>&1 && echo true || echo false))$(offline)
cargo = CARGO_NET_OFFLINE=$(offline) cargo

# Everything is built as one workspace: cargo unifies the features of dependencies over the packages it is asked for, so
# building packages one by one would compile the same dependencies several times.
programs := $(CARGO_TARGET_DIR)/debug

# The test targets of the integration suite: those that tests/Cargo.toml names. That of a whole node is run by itself.
suites = $(filter-out --test=e2e,$(shell sed -n '/^\[\[test\]\]/,/^$$/s/^name = "\(.*\)"/--test=\1/p' tests/Cargo.toml))
integration = test --locked --workspace --features cicdcontext-tests/cluster $(suites)

.DEFAULT_GOAL := help
.PHONY: help build musl static operator-static image generate generated cluster cluster-stop fmt fmt-check clippy lint unit
.PHONY: e2e e2e-here integration guarantees test differential demo chaos chaos-short fuzz clean-ish
.PHONY: bench bench-programs bench-long bench-quick bench-page bench-check bench-baseline bench-engine bench-cli
.PHONY: workflows version chart dist migration bench-migration

help: ## List the targets
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/\1|\2/p' Makefile | while IFS='|' read -r target text; do \
		printf '%-14s %s\n' "$$target" "$$text"; done

build: ## Build all programs (debug; they land in $CARGO_TARGET_DIR/debug)
	$(cargo) build --locked --workspace --bins

# Without any shared library: it runs in every image. The C compiler of the machine does for the little C that is in it.
# TARGET=aarch64-unknown-linux-musl builds for another machine: with a linker and a C compiler for it (docs/images.md).
musl := $(or $(TARGET),$(shell uname -m)-unknown-linux-musl)
musl_name := $(subst -,_,$(musl))
export CC_$(musl_name) ?= cc
static := $(CARGO_TARGET_DIR)/$(musl)/static/cicdctl

# What is delivered says nothing of the machine that built it, and two machines build the same: places in messages of
# panics start at fixed names. Of several that match, the last one counts. The crates must be there before they are named.
portable = flags="--remap-path-prefix=$$(rustc --print sysroot)=/rust"; \
	for folder in $${CARGO_HOME:-$$HOME/.cargo}/registry/src/*; do flags="$$flags --remap-path-prefix=$$folder=/crates"; done; \
	export CARGO_TARGET_$(shell echo $(musl_name) | tr a-z A-Z)_RUSTFLAGS="$$flags --remap-path-prefix=$(CARGO_TARGET_DIR)=/target"; \
	$(cargo)

musl:
	@rustup target list --installed | grep -qx $(musl) || rustup target add $(musl)
	@$(cargo) fetch --quiet --locked --target $(musl)

static: musl ## Build cicdctl as one static binary; prints where it is
	@$(portable) build --locked --profile static --target $(musl) --package cicdcontext-cli --bin cicdctl
	@echo $(static)

operator-static: musl
	@$(portable) build --locked --release --target $(musl) --package cicdcontext-operator --bin operator

image: static operator-static ## Write both images as OCI archives with bills of materials and sums (no Docker; BUSYBOX=FILE, TARGET)
	@$(cargo) run --quiet --locked --package cicdcontext-packaging --bin image -- --target $(musl) --into $(CARGO_TARGET_DIR)/image \
		--operator $(CARGO_TARGET_DIR)/$(musl)/release/operator --cicdctl $(static)

generate: ## Write the generated files anew: CRDs, roles and admission policies, the references of templates, metrics, cicdctl and the chart
	cargo run -q -p cicdcontext-crds --bin crdgen
	cargo run -q -p cicdcontext-packaging --bin rights
	cargo run -q -p cicdcontext-engine --bin templatedoc
	METRICS_PAGE=write cargo test -q -p cicdcontext-operator --lib the_page_of_metrics
	CLI_PAGE=write cargo test -q -p cicdcontext-cli --test reference the_page_of_the_command
	CHART_PAGE=write cargo test -q -p cicdcontext-tests --test chart the_page_of_the_chart

generated: build ## Check that the generated files are current
	$(programs)/crdgen --check
	$(programs)/rights --check
	$(programs)/templatedoc --check
	$(programs)/bench page --check $(page)

cluster: build ## Start etcd, kube-apiserver and kube-controller-manager on loopback and print how to use them
	@$(programs)/cluster start --controller-manager

cluster-stop: build ## Stop exactly what `make cluster` started
	@$(programs)/cluster stop

fmt: ## Format the Rust code
	cargo fmt --all

fmt-check: ## Check the format of the Rust code
	cargo fmt --all -- --check

clippy: ## Check the Rust code with clippy; warnings are errors
	$(cargo) clippy --locked --workspace --all-targets --features cicdcontext-tests/cluster,cicdcontext-tests/node -- -D warnings

lint: fmt-check clippy ## Check format and clippy

unit: ## Run unit, property and documentation tests, and the predecessor beside the drop-in; no cluster is needed
	$(beside_predecessor) $(cargo) test --locked --workspace

# What the operator asked the API server for in a run of the whole suite, to compare with its role. A cluster that somebody
# else provides keeps no such log here.
audited := $(CARGO_TARGET_DIR)/audited

# The tests are built before the cluster starts, so that it does not idle, and a compile error does not start it at all.
integration: build ## Run the integration suite on a real API server (CLUSTER_KUBECONFIG=FILE uses yours)
	$(cargo) $(integration) --no-run
	rm -rf $(audited)
	$(beside_predecessor) CARGO_NET_OFFLINE=$(offline) $(programs)/cluster with --audit operator --dir $(audited) -- cargo $(integration)
	$(if $(CLUSTER_KUBECONFIG),,$(programs)/audited $(audited))

guarantees: build ## Kill the operator at every point between two effects and write docs/guarantees.md from what is seen
	$(cargo) $(integration) --no-run
	CARGO_NET_OFFLINE=$(offline) GUARANTEES_FILE=$(CURDIR)/docs/guarantees.md $(programs)/cluster with -- \
		cargo $(integration) -- --nocapture crashes::wherever

# The release images, as they are delivered. Loading them needs no registry and no Docker.
images = $(foreach program,operator cicdctl,$(CARGO_TARGET_DIR)/image/$(program)-$(workspace_version)-$(oci_machine).tar)
oci_machine = $(patsubst aarch64%,arm64,$(patsubst x86_64%,amd64,$(firstword $(subst -, ,$(musl)))))
whole_node = test --locked --workspace --features cicdcontext-tests/node --test e2e

# A machine that cannot run a node says what it lacks, and passes: the table of stages shows lines that begin like this.
e2e: build ## Install the chart on a whole node and play a release with real Pods (root on Linux, containerd; E2E_NODE=must fails where it cannot)
	@lacking=$$($(programs)/cluster node check); code=$$?; \
	if [ $$code = 0 ] && ! lacking=$$($(MAKE) --no-print-directory musl 2>&1); then \
		lacking="no Rust target for static programs: rustup target add $(musl) ($$lacking)"; code=3; fi; \
	case $$code in \
	0) $(MAKE) --no-print-directory e2e-here ;; \
	3) printf '%s\n' "$$lacking" | sed 's/^/SKIPPED: e2e: /'; [ "$(E2E_NODE)" != must ] ;; \
	*) exit $$code ;; \
	esac

e2e-here: image
	$(programs)/cluster tools
	$(cargo) $(whole_node) --no-run
	CARGO_NET_OFFLINE=true $(programs)/cluster node with $(images:%=--import %) -- cargo $(whole_node) -- --nocapture

# Without shellcheck and pyflakes, which some machines have and some have not.
workflows: build ## Check the workflows of GitHub with actionlint
	tools=$$($(programs)/cluster tools) && $$tools/actionlint -shellcheck= -pyflakes= .github/workflows/*.yaml

test: ## Everything that must pass: format, clippy, generated files, workflows, unit tests, integration suite
	@.ci/stages fmt-check clippy generated workflows unit integration

workspace_version := $(shell sed -n '/^\[workspace.package\]/,/^\[workspace.lints/s/^version = "\(.*\)"/\1/p' Cargo.toml)

version: ## Print the version of this checkout
	@echo $(workspace_version)

# Where the chart finds the images by default: on the node. A release says where they are pushed to.
CHART_REGISTRY ?= localhost
CHART_REPOSITORY ?= cicdcontext
HELM ?=

chart: $(if $(HELM),,build) ## Package the chart (CHART_REGISTRY=ghcr.io CHART_REPOSITORY=OWNER/NAME: where its images are; HELM=helm: yours); prints where it is
	@HELM="$(or $(HELM),$$($(programs)/cluster tools)/helm)" .ci/package-chart $(CURDIR)/charts/cicdcontext $(CARGO_TARGET_DIR)/chart $(CHART_REGISTRY) $(CHART_REPOSITORY)

dist: image ## Build what is downloaded: programs as an archive, bills of materials, checksums; prints where they are
	@.ci/package-programs $(CARGO_TARGET_DIR)/$(musl)/release/operator $(static) $(CARGO_TARGET_DIR)/image $(CARGO_TARGET_DIR)/dist $(workspace_version) $(oci_machine)

# The predecessor in a Python environment of its own, exactly as its users have it, and what it is compared with.
predecessor := $(cache)/predecessor
compared := $(CARGO_TARGET_DIR)/differential
SEED ?= 1
COUNT ?= 2000

$(predecessor)/ready: engine/tests/jinja/requirements.txt
	rm -rf $(predecessor)
	python3 -m venv $(predecessor)
	$(predecessor)/bin/pip install --quiet --disable-pip-version-check -r $<
	touch $@

differential: $(predecessor)/ready ## Compare Jinja with the predecessor itself: the corpus anew, and COUNT=2000 random templates (SEED=1)
	rm -rf $(compared) && mkdir -p $(compared)
	$(predecessor)/bin/python engine/tests/jinja/oracle.py --into $(compared)/expected
	diff -r engine/tests/jinja/expected $(compared)/expected
	$(predecessor)/bin/python engine/tests/jinja/generate.py --seed $(SEED) --count $(COUNT) --into $(compared)/cases.json
	$(predecessor)/bin/python engine/tests/jinja/oracle.py --cases $(compared)/cases.json --into $(compared)/results.json
	JINJA_DIFFERENTIAL_FILE=$(compared)/results.json $(cargo) test --locked -p cicdcontext-engine --test jinja

demo: build ## Play a release on a real API server and show what happens (CLUSTER_KUBECONFIG=FILE uses yours)
	$(if $(CLUSTER_KUBECONFIG),,$(programs)/cluster build)
	$(programs)/demo

# What is measured, what measures it and the cluster that both work in, all as they are released. The rest is not built.
released := $(CARGO_TARGET_DIR)/release
measured := $(CARGO_TARGET_DIR)/bench
measure = $(released)/cluster with -- $(released)/bench run
# The figures that are committed, and the page that is made of them.
benchmarks := docs/benchmarks
page = --into $(benchmarks) $(patsubst %,--report %,$(wildcard $(benchmarks)/full.json $(benchmarks)/long.json))
# The predecessor and its redis in a Python environment of their own, and cicdctl as steps of pipelines have it.
# A folder for each state of the requirements, so that a fresh checkout finds what another one has installed.
requirements := tests/src/bin/bench/cli/requirements.txt engine/tests/jinja/requirements.txt
compared_with := $(cache)/bench-$(firstword $(shell cat $(requirements) | cksum))
compare = --predecessor $(compared_with) --cicdctl $(static)
ONLY ?=

$(compared_with)/ready:
	rm -rf $(compared_with)
	python3 -m venv $(compared_with)
	$(compared_with)/bin/pip install --quiet --disable-pip-version-check -r $(firstword $(requirements))
	touch $@

# Where the predecessor can be had, tests run it beside the drop-in; where not, they say so (`SKIPPED: ...`), and pass.
beside_predecessor = CICDCONTEXT_PREDECESSOR="$$($(MAKE) --silent $(compared_with)/ready >&2 && echo $(compared_with))"

migration: build ## Run the predecessor and the drop-in side by side and compare all that they do (MIGRATION_CASE=WORD: only these cases)
	$(beside_predecessor) $(cargo) test --locked --workspace --test migration

bench-migration: static $(compared_with)/ready ## Time one script of 20 commands with the predecessor and with the drop-in
	$(compared_with)/bin/python tests/tests/migration/measure.py --cicdctl $(static)

bench-programs:
	$(cargo) build --locked --release --workspace --bin operator --bin cluster --bin cicdctl --bin bench

# What is committed is replaced only by a run that came to its end.
bench: bench-programs static $(compared_with)/ready ## Measure everything beside the API server alone and the predecessor, and write docs/benchmarks anew (about 25 minutes)
	$(measure) --length full $(compare) --into $(measured)/full.json
	mkdir -p $(benchmarks) && cp $(measured)/full.json $(benchmarks)/full.json
	@$(MAKE) --no-print-directory bench-page

bench-long: bench-programs static $(compared_with)/ready ## The same with the sizes that take long to make; adds what the full run has not
	$(measure) --length long $(compare) --into $(measured)/long.json
	mkdir -p $(benchmarks) && cp $(measured)/long.json $(benchmarks)/long.json
	@$(MAKE) --no-print-directory bench-page

bench-quick: bench-programs ## Measure for 5 minutes and print it, without the predecessor (ONLY=reaction,throughput: only these)
	$(measure) --length quick --into $(measured)/quick.json $(ONLY:%=--only %)

bench-page: bench-programs ## Write the page and the charts of docs/benchmarks anew from the figures there
	$(released)/bench page $(page)

# Each run has a cluster of its own.
bench-check: bench-programs ## Measure three times for 5 minutes: is anything more than 30 % worse than in docs/benchmarks/quick.json?
	for run in 1 2 3; do $(measure) --length quick --into $(measured)/check-$$run.json || exit 1; done
	$(released)/bench check --baseline $(benchmarks)/quick.json $(foreach run,1 2 3,--report $(measured)/check-$(run).json)

bench-baseline: ## Measure for 5 minutes, all of it, and make that what bench-check compares with
	@$(MAKE) --no-print-directory bench-quick ONLY=
	mkdir -p $(benchmarks) && cp $(measured)/quick.json $(benchmarks)/quick.json

bench-cli: bench-programs static $(compared_with)/ready ## Measure only cicdctl against the predecessor: whole processes over the same state
	$(measure) --length full --only cli $(compare) --into $(measured)/cli.json

bench-engine: ## Measure the engine by itself with criterion; no cluster
	$(cargo) bench --locked -p cicdcontext-engine --bench engine

SCENARIO ?=

chaos: build ## Kill operators and the API server while events run, and count what is lost or doubled (SCENARIO=storm, SEED=1)
	$(programs)/cluster build
	$(programs)/chaos --seed $(SEED) $(SCENARIO:%=--scenario %)

chaos-short: build ## The same in a minute or so
	$(programs)/cluster build
	$(programs)/chaos --short --seed $(SEED) $(SCENARIO:%=--scenario %)

fuzz: ## Look for inputs that break the engine, FUZZ_SECONDS for each target (85: 10 minutes in all); needs nightly
	@FUZZ_CACHE=$(cache)/fuzz fuzz/run

clean-ish: ## Remove this project's Rust build results and cluster logs; the built control plane stays cached
	cargo clean
	rm -rf target/cluster
