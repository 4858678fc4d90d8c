"""A provider behind nginx, which speaks what `weir mock` does not: HTTP/2."""

import os
import subprocess

from machine import Broken, free_address, listens, raise_file_limit, start, wait_for
from mock import Mock
from world import find

PLAIN, TLS, HTTP2 = "", " ssl", " ssl http2"  # HTTP2: for whoever wants it, by ALPN
CONFIG = """
daemon off; worker_processes 1; pid {dir}/front.pid; error_log {dir}/front.err crit; {user}
worker_rlimit_nofile {files};
events {{ worker_connections {files}; multi_accept on; }}
http {{
	client_body_temp_path {dir}/f1; proxy_temp_path {dir}/f2; fastcgi_temp_path {dir}/f3;
	uwsgi_temp_path {dir}/f4; scgi_temp_path {dir}/f5;
	log_format connection '$server_port $connection'; access_log {log};
	tcp_nodelay on; keepalive_requests 1000000000; keepalive_timeout 1h;
	client_max_body_size 1m; client_body_buffer_size 256k;
	ssl_certificate {dir}/front.pem; ssl_certificate_key {dir}/front.key; ssl_protocols TLSv1.3;
	proxy_http_version 1.1; proxy_buffering off; proxy_read_timeout 1h;
	proxy_set_header connection "";
{servers}}}
"""
SERVER = """	upstream u{number} {{ server {mock}; keepalive 4096; keepalive_requests 1000000000; }}
	server {{ listen {address}{way} backlog=4096; location / {{ proxy_pass http://u{number}; }} }}
"""


class Front:
    """doors: of (way, the address behind it); addresses: where they are."""

    def __init__(self, stack, folder, cores, doors, log=False):
        if not find("nginx") or not find("openssl"):
            raise Broken("there is no nginx, or no openssl: Debian has both")
        self.log, self.ca = folder / "front.log", folder / "front.pem"
        self.addresses = [free_address() for _ in doors]
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:P-256", "-nodes", "-keyout", folder / "front.key",
                        "-out", self.ca, "-days", "2", "-subj", "/CN=front", "-addext",
                        "subjectAltName=DNS:localhost,IP:127.0.0.1"], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        config = folder / "front.conf"
        config.write_text(CONFIG.format(
            dir=folder, files=raise_file_limit(), log=f"{self.log} connection" if log else "off",
            user="user root;" if os.geteuid() == 0 else "",
            servers="".join(SERVER.format(number=i, mock=mock, address=self.addresses[i], way=way)
                            for i, (way, mock) in enumerate(doors))))
        self.process = start(stack, [find("nginx"), "-p", folder, "-c", config, "-e",
                                     folder / "front.err"], cores)
        wait_for(self.process, "nginx", lambda: all(map(listens, self.addresses)))

    def connections(self, address):
        """That requests came by, as far as they were answered."""
        port = address.split(":")[1]
        return len({line for line in self.log.read_text().splitlines()
                    if line.split()[0] == port})


class Fronted(Mock):
    """`weir mock`, over TLS with HTTP/2 for those who ask for it."""

    def __init__(self, stack, weir, cores, folder):
        super().__init__(stack, weir, cores)
        front = Front(stack, folder, cores, [(HTTP2, self.alpha), (HTTP2, self.beta)])
        (self.alpha, self.beta), self.ca = front.addresses, front.ca
