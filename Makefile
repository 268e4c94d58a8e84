# Two commands on a fresh machine: `make run` and `make test`. Both install what is missing (see scripts/).

# `make run PROFILE=release` takes longer to build and runs faster.
PROFILE ?= dev
# `make run ARGS="--listen 0.0.0.0:8080"`
ARGS ?=
# Where `make bench` puts its databases: a real disk, since it counts what is synced.
BENCH_DIR ?= /var/tmp

.PHONY: run test test-kurrentdb check schema policy requirements bench bench-log bench-plots

# The server, with a PostgreSQL of its own unless DATABASE_URL names one.
run:
	@bin=$$([ -n "$$DATABASE_URL" ] || scripts/postgres-bin) && PATH="$$PATH:$$bin" && export PATH && \
	cargo build --locked --profile $(PROFILE) --bin lethemail && \
	exec cargo run --quiet --locked --profile $(PROFILE) --bin lethemail -- serve $(ARGS)

# Every test, on a real PostgreSQL that lives as long as the run.
test:
	scripts/with-postgres cargo test --workspace --locked

# The main-path story and the event store's contract on a KurrentDB server that holds nothing yet: make test-kurrentdb URL='esdb://localhost:2113?tls=false'
# ARGS='contract::' leaves the story out. The program that runs them is left at target/test-kurrentdb and runs elsewhere, too.
test-kurrentdb:
	scripts/test-kurrentdb '$(URL)' $(ARGS)

# What needs no test run: format, lints, walls.
check:
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	scripts/check-walls

# The committed schema, after a change of it.
schema:
	cargo run --quiet --locked --bin lethemail -- schema > schema.graphql

# The public privacy policy and the record of processing, after a change of the data policy.
policy:
	cargo build --quiet --locked --bin lethemail
	target/debug/lethemail policy --page > docs/privacy-policy.md
	target/debug/lethemail policy --record > docs/record-of-processing.md

# The list of promises and the tests that show them, after a test with a row's id in its name came or went.
requirements:
	scripts/requirements-doc > docs/requirements.md.new && mv docs/requirements.md.new docs/requirements.md

# Every figure beside its limit: docs/benchmarks.md. `make bench ARGS="--seconds 30"`; `ARGS=--help` says more. `PEERS=` leaves other event stores out.
PEERS ?= --peers
MEASURE = TMPDIR=$(BENCH_DIR) POSTGRES_FSYNC=on scripts/with-postgres cargo run --quiet --release --locked --package bench --
bench:
	cargo build --release --locked --bin lethemail
	cargo build --release --locked --package bench
	[ -z "$(PEERS)" ] || cargo build --release --locked --manifest-path bench/peers/postgres-es/Cargo.toml --target-dir target/peers || echo "postgres-es is left out"
	$(MEASURE) $(PEERS) $(ARGS)

# What decided how the log appends, and how its size and a snapshot weigh on it. Takes half an hour and, for a while, 40 GB in BENCH_DIR.
PARTS ?= alternatives,snapshot,log-size
bench-log:
	cargo build --release --locked --package bench
	$(MEASURE) --only $(PARTS) --json target/bench-log.json $(ARGS)

# The curves in docs/plots, from what the two above have written.
bench-plots:
	cargo run --quiet --release --locked --package bench -- --plots docs/plots
