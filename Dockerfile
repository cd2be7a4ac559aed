# docker build -t python-executor . && docker run -p 8080:8080 python-executor

ARG BUILD_IMAGE=rust:1.95-trixie
ARG RUNTIME_IMAGE=scratch

# The files of the image: the interpreter, the service, linked statically because the last stage has no
# libraries, an empty /tmp, the license texts and the bill of materials.
#
# Each layer copies only the files that it depends on, so an edit repeats that layer and those after it:
# src/ the last one, wasm/ all but the first. Cargo.lock pins the compiler, too, and repeats all.
FROM ${BUILD_IMAGE} AS build
# hadolint ignore=DL3008
RUN apt-get update && apt-get install --yes --no-install-recommends python3-pip && rm -rf /var/lib/apt/lists/*
WORKDIR /src

# Downloads come first: one that fails does so before anything long is built. Cargo wants a source file in
# each package of the workspace; the empty ones are replaced before they are built.
COPY Cargo.toml Cargo.lock rust-toolchain.toml ./
COPY .cargo .cargo
COPY xtask/Cargo.toml xtask/
COPY xtask/pinned xtask/pinned
COPY xtask/tasks/Cargo.toml xtask/tasks/
COPY wasm/build/Cargo.toml wasm/build/
COPY wasm/pins.toml wasm/
RUN mkdir -p src xtask/src xtask/tasks/src wasm/build/src && \
    touch src/lib.rs xtask/src/main.rs xtask/tasks/src/main.rs wasm/build/src/lib.rs && \
    cargo run --release --locked --package pinned && cargo fetch --locked

# The interpreter.
COPY xtask/src xtask/src
COPY wasm wasm
COPY src/sandbox/module_config.rs src/sandbox/
RUN cargo xtask fetch-python

# The crates that the service depends on, in a layer of their own.
COPY xtask/tasks xtask/tasks
RUN cargo xtask image --dependencies

# The service.
COPY LICENSE askama.toml ./
COPY src src
RUN cargo xtask image --to /image

# Those files and nothing else: no shell, no Python, no package.
FROM ${RUNTIME_IMAGE}
COPY --from=build /image/ /
USER 65532:65532
ENV PORT=8080 LOG_FORMAT=json
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=5s CMD ["/python-executor", "healthcheck"]
ENTRYPOINT ["/python-executor"]

# --build-arg VERSION=0.1.0 --build-arg REVISION=$(git rev-parse HEAD) --build-arg CREATED=$(date -u +%FT%TZ)
ARG VERSION=
ARG REVISION=
ARG CREATED=
LABEL org.opencontainers.image.title="Python Executor" \
      org.opencontainers.image.description="Runs untrusted Python scripts, safely and fast, behind one HTTP endpoint." \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}"
