# weir and what it cannot be without: a kernel's worth of files, no shell, no other user.
#
#   docker build -t weir .
#   docker run -p 4000:4000 -v $PWD/weir.yaml:/etc/weir/weir.yaml:ro -e OPENAI_API_KEY weir
#
# In weir.yaml: `listen: 0.0.0.0:4000` with `access.keys`, as others reach it there.
FROM debian:bookworm-slim AS build
RUN apt-get -q update && apt-get -q -y --no-install-recommends install \
	binutils ca-certificates gcc git libc6-dev libc-ares-dev libhiredis-dev libnghttp2-dev \
	libuv1-dev libyaml-dev meson ninja-build pkg-config python3
WORKDIR /weir
COPY . .
RUN tools/static && install -D -m 0755 build/static/weir-alone /image/bin/weir \
	&& install -D -m 0644 contrib/weir.yaml /image/etc/weir/weir.yaml \
	&& install -D -m 0644 /etc/ssl/certs/ca-certificates.crt /image/etc/ssl/certs/ca-certificates.crt \
	&& echo 'weir:x:10001:10001::/:/bin/weir' >/image/etc/passwd \
	&& echo 'weir:x:10001:' >/image/etc/group \
	&& install -d -m 0755 -o 10001 -g 10001 /image/run/weir

FROM scratch
COPY --from=build /image/ /
USER 10001:10001
EXPOSE 4000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s CMD ["/bin/weir", "status", "--ready"]
ENTRYPOINT ["/bin/weir"]
CMD ["serve", "--log", "json"]
