# docker build -t python-executor . && docker run -p 8080:8080 python-executor

ARG BUILD_IMAGE=rust:1.95-trixie
ARG RUNTIME_IMAGE=scratch

# The files of the image: the interpreter, the service, linked statically because the last stage has no
# libraries, an empty /tmp, the license texts and the bill of materials.
FROM ${BUILD_IMAGE} AS build
# hadolint ignore=DL3008
RUN apt-get update && apt-get install --yes --no-install-recommends python3-pip && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
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
