# Images of the two production programs:
#   docker build --target worker  -t orgflow-worker  .
#   docker build --target starter -t orgflow-starter .
# Where no registry can be reached: "make release" writes the same images as
# archives for "docker load", without Docker (deploy/image).
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

# What a program finds beside itself: nothing but users, root certificates and
# a directory for temporary files. Time zones are inside the programs.
RUN mkdir -p /image/app /image/tmp /image/etc/ssl/certs \
 && cp /etc/ssl/certs/ca-certificates.crt /image/etc/ssl/certs/ \
 && printf 'root:x:0:0:root:/:/sbin/nologin\norgflow:x:10001:10001:orgflow:/app:/sbin/nologin\n' >/image/etc/passwd \
 && printf 'root:x:0:\norgflow:x:10001:\n' >/image/etc/group \
 && chown 10001:10001 /image/app && chmod 1777 /image/tmp

FROM scratch AS base
COPY --from=build /image /
WORKDIR /app
USER 10001:10001
ENV PATH=/usr/local/bin
ENV ORGFLOW_LOG_FORMAT=json
# A worker must have longer to stop than it takes itself, see stop_grace_period
# in docker-compose.yml.
STOPSIGNAL SIGTERM

FROM base AS worker
COPY --from=build /out/worker /usr/local/bin/worker
# Metrics and health; bound to all addresses of the container only.
ENV ORGFLOW_METRICS_ADDR=0.0.0.0:9464
EXPOSE 9464
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=6 \
  CMD ["/usr/local/bin/worker", "--health"]
ENTRYPOINT ["/usr/local/bin/worker"]

FROM base AS starter
COPY --from=build /out/starter /usr/local/bin/starter
# Beyond loopback the server refuses to start without ORGFLOW_API_KEYS.
ENV ORGFLOW_HTTP_ADDR=0.0.0.0:8080
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=6 \
  CMD ["/usr/local/bin/starter", "health"]
ENTRYPOINT ["/usr/local/bin/starter"]
CMD ["serve"]
