"""nginx, one worker, configured for the same job: keep-alive to the providers, a backup and
proxy_next_upstream for failover, the body buffered, streams unbuffered, as many headers added,
a JSON line per request to a file."""

import os

from install import debian
from machine import first_line, free_address
from mock import KEY
from peers.base import Peer, Running

CONFIG = """
daemon off;
worker_processes 1;
pid {dir}/nginx.pid;
error_log {dir}/nginx.err crit;
worker_rlimit_nofile {files};
{user}
events {{ worker_connections 16384; }}
http {{
	client_body_temp_path {dir}/t1; proxy_temp_path {dir}/t2; fastcgi_temp_path {dir}/t3;
	uwsgi_temp_path {dir}/t4; scgi_temp_path {dir}/t5;
	log_format json escape=json '{{"ts":"$time_iso8601","event":"request",'
		'"request_id":"$request_id","uri":"$uri","target":"$upstream_addr",'
		'"status":$status,"upstream_status":"$upstream_status","bytes":$body_bytes_sent,'
		'"s":$request_time,"upstream_s":"$upstream_response_time"}}';
	access_log {dir}/nginx.log json buffer=64k flush=1s;
	tcp_nodelay on;
	keepalive_requests 1000000000;
	client_max_body_size 32m;
	client_body_buffer_size 64k;
	upstream providers {{
		server {alpha} {health};
		server {beta} {health} backup;
		keepalive 1024;
		keepalive_requests 1000000000;
	}}
	server {{
		listen {listen} backlog=4096;
		location / {{
			proxy_pass {scheme}://providers;
			{tls}
			proxy_http_version 1.1;
			proxy_buffering off;
			proxy_set_header connection "";
			proxy_set_header authorization "Bearer {key}";
			proxy_set_header accept-encoding identity;
			proxy_next_upstream error timeout http_429 http_500 http_502 http_503 http_504
				non_idempotent;
			proxy_next_upstream_tries 2;
			proxy_connect_timeout {connect_ms}ms;
			proxy_read_timeout {first_ms}ms;
			add_header x-weir-request-id $request_id always;
			add_header x-request-id $request_id always;
			add_header x-weir-target $upstream_addr always;
			add_header x-weir-attempts 1 always;
			add_header x-weir-trail
				"$upstream_addr;$upstream_status;ok;$upstream_response_time" always;
		}}
	}}
}}
"""
TLS = """proxy_ssl_protocols TLSv1.2 TLSv1.3;
			proxy_ssl_trusted_certificate {ca};
			proxy_ssl_verify on;
			proxy_ssl_name localhost;"""


class Nginx(Peer):
    name, title = "nginx", "nginx"

    def find(self):
        return debian("nginx", "nginx", "usr/sbin/nginx", self.install)

    def version(self):
        return first_line([self.program, "-v"]).replace("nginx version: nginx/", "nginx ")

    def start(self, stack, job, wrap=()):
        folder, address = self.world.new_folder(), free_address()
        config = folder / "nginx.conf"
        config.write_text(CONFIG.format(
            dir=folder, key=KEY, listen=address, alpha=job.mock.alpha, beta=job.mock.beta,
            files=self.world.files, first_ms=job.first_ms, connect_ms=job.connect_ms,
            health="max_fails=5 fail_timeout=5s" if job.health else "max_fails=0",
            scheme="https" if job.mock.ca else "http",
            tls=TLS.format(ca=job.mock.ca) if job.mock.ca else "",
            user="user root;" if os.geteuid() == 0 else ""))
        process = self.run(stack, [*wrap, self.program, "-p", folder, "-c", config, "-e",
                                   folder / "nginx.err"], address)
        return Running(self.name, address, process, mock=job.mock, log=folder / "nginx.log")
