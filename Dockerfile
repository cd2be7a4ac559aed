# docker build -t python-executor . && docker run -p 8080:8080 python-executor

ARG BUILD_IMAGE=rust:1.95-trixie
ARG RUNTIME_IMAGE=scratch

# The interpreter and the service. The service is linked statically: the last stage has no libraries.
FROM ${BUILD_IMAGE} AS build
RUN apt-get update && apt-get install --yes --no-install-recommends python3-pip && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
RUN cargo xtask fetch-python
RUN RUSTFLAGS="-C target-feature=+crt-static" \
    cargo build --release --locked --package python-executor --target "$(uname -m)-unknown-linux-gnu"
RUN mkdir -p /image/tmp \
    && cp target/*/release/python-executor wasm/python.cwasm /image/ \
    && chmod 1777 /image/tmp

# The service, the interpreter, an empty /tmp, and nothing else: no shell, no Python, no package.
FROM ${RUNTIME_IMAGE}
COPY --from=build /image/ /
USER 65532:65532
ENV PORT=8080 LOG_FORMAT=json
EXPOSE 8080
ENTRYPOINT ["/python-executor"]
