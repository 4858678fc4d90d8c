"""HAProxy, one thread, configured for the same job: keep-alive to the providers, retries with
redispatch for failover, the body buffered, as many headers added, a JSON line per request to a
file (through a pipe: it writes no files itself)."""

from install import debian
from machine import first_line, free_address
from mock import KEY
from peers.base import Peer, Running

CONFIG = """
global
	nbthread 1
	maxconn {maxconn}
	log stdout format raw local0
	tune.bufsize 32768
defaults
	mode http
	log global
	timeout client 1h
	timeout connect {connect_ms}ms
	timeout server {first_ms}ms
	option http-keep-alive
	option http-buffer-request
	log-format '{{"ts":"%t","event":"request","request_id":"%ID","uri":"%HP","target":"%s",\
"status":%ST,"bytes":%B,"ms":%Ta,"retries":"%rc","upstream_ms":%Tr}}'
frontend callers
	bind {listen} backlog 4096
	unique-id-format %{{+X}}o%Ts%rt
	unique-id-header x-request-id
	default_backend providers
backend providers
	balance roundrobin
	retries 1
	option redispatch 1
	retry-on conn-failure empty-response junk-response response-timeout 500 502 503 504
	http-reuse always
	http-request set-header authorization "Bearer {key}"
	http-request set-header accept-encoding identity
	use-server alpha if TRUE
	http-response set-header x-weir-request-id %[unique-id]
	http-response set-header x-request-id %[unique-id]
	http-response set-header x-weir-target %s
	http-response set-header x-weir-attempts 1
	http-response set-header x-weir-trail "%s;%[status];ok;%Tr"
	default-server pool-max-conn -1 pool-purge-delay 1h {health} {tls}
	server alpha {alpha} weight 1
	server beta {beta} weight 1
"""


class Haproxy(Peer):
    name, title = "haproxy", "HAProxy"

    def find(self):
        return debian("haproxy", "haproxy", "usr/sbin/haproxy", self.install)

    def version(self):
        return " ".join(first_line([self.program, "-v"]).split()[:3]).replace(" version", "")

    def start(self, stack, job, wrap=()):
        folder, address = self.world.new_folder(), free_address()
        config, log = folder / "haproxy.cfg", folder / "haproxy.log"
        config.write_text(CONFIG.format(
            listen=address, key=KEY, alpha=job.mock.alpha, beta=job.mock.beta,
            first_ms=job.first_ms, connect_ms=job.connect_ms,
            maxconn=min(9000, self.world.files // 2 - 500),
            health="check inter 1s observe layer7 error-limit 5 on-error mark-down"
            if job.health else "",
            tls=f"ssl verify required ca-file {job.mock.ca} verifyhost localhost"
            if job.mock.ca else ""))
        with open(log, "a") as out:
            process = self.run(stack, [*wrap, self.program, "-db", "-f", config], address,
                               stdout=out, stderr=out)
        return Running(self.name, address, process, mock=job.mock, log=log)
