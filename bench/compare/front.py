"""A provider behind nginx: the same answers by plain HTTP, over TLS 1.3, and with HTTP/2."""

import os
import subprocess

from machine import Broken, free_address, listens, start, wait_for
from world import find

WAYS = ("plain", "tls", "http2")
CONFIG = """
daemon off; worker_processes 1; pid {dir}/front.pid; error_log {dir}/front.err crit; {user}
worker_rlimit_nofile {files};
events {{ worker_connections {files}; multi_accept on; }}
http {{
	client_body_temp_path {dir}/f1; proxy_temp_path {dir}/f2; fastcgi_temp_path {dir}/f3;
	uwsgi_temp_path {dir}/f4; scgi_temp_path {dir}/f5;
	log_format connection '$server_port $connection $server_protocol'; access_log {dir}/front.log connection;
	tcp_nodelay on; keepalive_requests 1000000000; keepalive_timeout 1h;
	client_max_body_size 1m; client_body_buffer_size 256k;
	upstream mock {{ server {mock}; keepalive 4096; keepalive_requests 1000000000; }}
	ssl_certificate {dir}/front.pem; ssl_certificate_key {dir}/front.key; ssl_protocols TLSv1.3;
	proxy_http_version 1.1; proxy_buffering off; proxy_read_timeout 1h;
	proxy_set_header connection "";
	server {{ listen {plain} backlog=4096; location / {{ proxy_pass http://mock; }} }}
	server {{ listen {tls} ssl backlog=4096; location / {{ proxy_pass http://mock; }} }}
	server {{ listen {http2} ssl http2 backlog=4096; location / {{ proxy_pass http://mock; }} }}
}}
"""


class Front:
    def __init__(self, stack, folder, cores, mock, files):
        if not find("nginx") or not find("openssl"):
            raise Broken("there is no nginx, or no openssl: Debian has both")
        self.folder, self.ca = folder, folder / "front.pem"
        self.addresses = {way: free_address() for way in WAYS}
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:P-256", "-nodes", "-keyout", folder / "front.key",
                        "-out", self.ca, "-days", "2", "-subj", "/CN=front", "-addext",
                        "subjectAltName=DNS:localhost,IP:127.0.0.1"], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        config = folder / "front.conf"
        config.write_text(CONFIG.format(
            dir=folder, mock=mock.alpha, files=files, **self.addresses,
            user="user root;" if os.geteuid() == 0 else ""))
        self.process = start(stack, [find("nginx"), "-p", folder, "-c", config, "-e",
                                     folder / "front.err"], cores)
        wait_for(self.process, "nginx", lambda: all(map(listens, self.addresses.values())))

    def url(self, way):
        return f"{'http' if way == 'plain' else 'https'}://{self.addresses[way]}/v1"

    def connections(self, way):
        """That requests came by, as far as they were answered."""
        port = self.addresses[way].split(":")[1]
        lines = (self.folder / "front.log").read_text().splitlines()
        return len({line for line in lines if line.split()[0] == port})
