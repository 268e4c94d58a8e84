# Two commands on a fresh machine: `make run` and `make test`. Both install what is missing (see scripts/).

# `make run PROFILE=release` takes longer to build and runs faster.
PROFILE ?= dev
# `make run ARGS="--listen 0.0.0.0:8080"`
ARGS ?=

.PHONY: run test check schema requirements

# The server, with a PostgreSQL of its own unless DATABASE_URL names one.
run:
	@bin=$$([ -n "$$DATABASE_URL" ] || scripts/postgres-bin) && PATH="$$PATH:$$bin" && export PATH && \
	cargo build --locked --profile $(PROFILE) --bin lethemail && \
	exec cargo run --quiet --locked --profile $(PROFILE) --bin lethemail -- serve $(ARGS)

# Every test, on a real PostgreSQL that lives as long as the run.
test:
	scripts/with-postgres cargo test --workspace --locked

# What needs no test run: format, lints, walls.
check:
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	scripts/check-walls

# The committed schema, after a change of it.
schema:
	cargo run --quiet --locked --bin lethemail -- schema > schema.graphql

# The list of promises and the tests that show them, after a test with a row's id in its name came or went.
requirements:
	scripts/requirements-doc > docs/requirements.md.new && mv docs/requirements.md.new docs/requirements.md
