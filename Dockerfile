# Images of the two production programs:
#   docker build --target worker  -t orgflow-worker  .
#   docker build --target starter -t orgflow-starter .
# standalone is for trying things out and has no image: go run ./standalone

FROM golang:1.26.8-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .
# What --version prints: docker build --build-arg VERSION=v0.1.0
ARG VERSION=devel
# Neither program links the Temporal server, so this takes a minute or two.
ENV CGO_ENABLED=0
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    go build -buildvcs=false -ldflags="-s -w -X orgflow/internal/version.number=$VERSION" -o /out/worker ./worker \
 && go build -buildvcs=false -ldflags="-s -w -X orgflow/internal/version.number=$VERSION" -o /out/starter ./starter

# Debian slim rather than distroless: health checks need a program that asks.
FROM debian:12.12-slim AS base
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates curl tzdata \
 && rm -rf /var/lib/apt/lists/* \
 && groupadd --gid 10001 orgflow \
 && useradd --uid 10001 --gid orgflow --no-create-home --shell /usr/sbin/nologin orgflow
WORKDIR /app
USER 10001:10001
ENV ORGFLOW_LOG_FORMAT=json

FROM base AS worker
COPY --from=build /out/worker /usr/local/bin/worker
# Metrics and health; bound to all addresses of the container only.
ENV ORGFLOW_METRICS_ADDR=0.0.0.0:9464
EXPOSE 9464
# Must exceed the worker's own stop timeout, see stop_grace_period in
# docker-compose.yml.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=6 \
  CMD ["curl", "--fail", "--silent", "--show-error", "--output", "/dev/null", "http://127.0.0.1:9464/healthz"]
ENTRYPOINT ["/usr/local/bin/worker"]

FROM base AS starter
COPY --from=build /out/starter /usr/local/bin/starter
# Beyond loopback the server refuses to start without ORGFLOW_API_KEYS.
ENV ORGFLOW_HTTP_ADDR=0.0.0.0:8080
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=6 \
  CMD ["curl", "--fail", "--silent", "--show-error", "--output", "/dev/null", "http://127.0.0.1:8080/healthz"]
ENTRYPOINT ["/usr/local/bin/starter"]
CMD ["serve"]
