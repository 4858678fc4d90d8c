"""Streams through a proxy from a plain provider, and how late their events are while many requests
want a connection to another provider; what bench/tls and the row `stall` measure."""

import contextlib
import json
import os
import pathlib
import re
import select
import signal
import socket
import subprocess
import tempfile
import threading
import time
import urllib.request

from front import HTTP2, PLAIN, TLS, Front
from machine import Broken, cpu_s, family, first, free_address, listens, start, wait_for
from mock import KEY, MODEL, Mock, chat
from world import find, program

STREAMS, GAP_MS, TOKENS, LEAD_S = 40, 20, 3000, 0.6
WAIT_S, TAIL_S, HOLD_S, WARM_S = 90, 0.3, 120, 2
WAYS = {"plain HTTP": PLAIN, "TLS, HTTP/1.1": TLS, "TLS, HTTP/2": HTTP2}

WEIR = """
listen: {live}
admin: {admin}
providers:
  plain: {{ dialect: openai, base_url: "http://{plain}/v1", keys: [ k ] }}
  dying: {{ dialect: openai, base_url: "http://{dying}/v1", keys: [ k ] }}
  second: {{ dialect: openai, base_url: "{url}", keys: [ k ]{trust}, warm_connections: {warm} }}
defaults: {{ retries: 0, connect_timeout: 60s, attempt_timeout: 200s, deadline: 300s }}
chains:
  {model}: {{ steps: [ plain/{model} ] }}
  cold: {{ steps: [ second/cold ] }}
  moved: {{ steps: [ dying/moved, second/moved ] }}
"""
NGINX = """
daemon off; worker_processes 1; pid {dir}/pid; error_log {dir}/err crit; {user}
events {{ worker_connections 16384; }}
http {{
	client_body_temp_path {dir}/t1; proxy_temp_path {dir}/t2; fastcgi_temp_path {dir}/t3;
	uwsgi_temp_path {dir}/t4; scgi_temp_path {dir}/t5;
	access_log off; tcp_nodelay on; proxy_http_version 1.1; proxy_buffering off;
	proxy_set_header connection ""; proxy_read_timeout 200s;
	upstream plain {{ server {plain}; keepalive 1024; }}
	upstream second {{ server {second}; keepalive 1024; }}
	server {{ listen {live} backlog=4096; location / {{ proxy_pass http://plain; }} }}
	server {{
		listen {cold} backlog=4096;
		location / {{
			proxy_pass https://second; proxy_ssl_protocols TLSv1.2 TLSv1.3;
			proxy_ssl_trusted_certificate {ca}; proxy_ssl_verify on; proxy_ssl_name localhost;
		}}
	}}
}}
"""


class Streams(threading.Thread):
    """Callers of streams, and when each event came."""

    def __init__(self, address):
        super().__init__(daemon=True)
        self.times, self.sockets, self.ended = [[] for _ in range(STREAMS)], {}, False
        body = chat(1024, True, max_tokens=TOKENS).replace(b"$NONCE", b"bench-tls")
        head = (f"POST /v1/chat/completions HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer"
                f" {KEY}\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n")
        host, port = address.rsplit(":", 1)
        for at in self.times:
            s = socket.create_connection((host, int(port)))
            s.sendall(head.encode() + body)
            self.sockets[s.fileno()] = s, at
            time.sleep(GAP_MS / 1000 / STREAMS)

    def run(self):
        first([threading.get_native_id()])
        with select.epoll() as poll:
            for fd in self.sockets:
                poll.register(fd, select.EPOLLIN)
            while not self.ended:
                for fd, _ in poll.poll(0.05):
                    s, at = self.sockets[fd]
                    data, now = s.recv(65536), time.monotonic()
                    if not data:
                        poll.unregister(fd)
                    at += [now] * data.count(b"data: ")

    def stop(self):
        self.ended = True
        self.join()
        for s, _ in self.sockets.values():
            s.close()

    def late_ms(self, begin, end):
        """Of the events that came in that time."""
        late = []
        for at in self.times:
            offsets = [t - i * GAP_MS / 1000 for i, t in enumerate(at)]
            late += [(o - min(offsets)) * 1000 for o, t in zip(offsets, at) if begin <= t < end]
        if not late:
            raise Broken("no event came: the streams do not run")
        return sorted(late)


class Proxy:
    def __init__(self, stack, folder, cores, which, providers, way, warm):
        self.live, self.cold, self.admin = free_address(), free_address(), free_address()
        plain, front, dying = providers
        second = front.addresses[list(WAYS).index(way)]
        fields = {"live": self.live, "cold": self.cold, "admin": self.admin, "model": MODEL,
                  "plain": plain.alpha, "second": second, "ca": front.ca,
                  "url": f"http{'s' if WAYS[way] else ''}://{second}/v1",
                  "trust": f', ca_file: "{front.ca}"' if WAYS[way] else "",
                  "dying": dying.alpha if dying else free_address(), "warm": warm, "dir": folder,
                  "user": "user root;" if os.geteuid() == 0 else ""}
        config = folder / f"{which}.conf"
        if which == "nginx":
            config.write_text(NGINX.format(**fields))
            argv = [find("nginx"), "-p", folder, "-c", config, "-e", folder / "err"]
        else:
            self.cold = self.live
            config.write_text(WEIR.format(**fields))
            argv = [program("weir", "WEIR"), "serve", "-c", config]
        self.process = start(stack, argv, cores.proxy, stdout=subprocess.DEVNULL,
                             stderr=open(folder / f"{which}.log", "a"))
        self.which = which
        wait_for(self.process, which, lambda: listens(self.live))
        first(family(self.process.pid))

    def cpu_s(self):
        return cpu_s(family(self.process.pid))

    def turns(self):
        """How many turns of the loop were within each bound, of the metrics."""
        if self.which != "weir":
            return {}
        text = urllib.request.urlopen(f"http://{self.admin}/metrics", timeout=30).read().decode()
        return {bound: int(n) for bound, n in re.findall(
            r'weir_loop_lag_seconds_bucket\{le="([^"]+)"\} (\d+)', text)}


def longest(before, after):
    """The bound below which every turn stayed."""
    more = {bound: after[bound] - before[bound] for bound in after}
    return next((bound for bound, n in more.items() if n == more["+Inf"]), "-")


def load(stack, folder, cores, address, model, n):
    body = folder / f"{model}.json"
    body.write_bytes(chat(1024, False, model=model))
    argv = [program("weir-bench", "WEIR_BENCH"), "-q", "--json", "--key", KEY, "--timeout",
            f"{HOLD_S}s", "--body", body, "-c", n, "-n", n, "--drain", f"{HOLD_S}s",
            f"http://{address}"]
    return start(stack, argv, cores.load, stdout=subprocess.PIPE, text=True)


def finish(run, n):
    shown = json.loads(run.communicate(timeout=WAIT_S)[0])
    end = time.monotonic()
    wrong = {k: n for k, n in shown["outcomes"].items() if n and k != "ok"}
    if wrong or shown["outcomes"]["ok"] != n:
        raise Broken(f"requests failed: {wrong}")
    return end


def until(what, look):
    end = time.monotonic() + WAIT_S
    while not look():
        if time.monotonic() > end:
            raise Broken(f"{what}: not within {WAIT_S} s")
        time.sleep(0.01)


def measure(which, kind, n, cores, way="TLS, HTTP/1.1", warm=0):
    """One proxy, new; n requests at a provider to which nothing is open."""
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="weir-tls-")))
        folder.chmod(0o755)
        weir = program("weir", "WEIR")
        plain, second = Mock(stack, weir, cores.load), Mock(stack, weir, cores.load)
        first([plain.process.pid])
        plain.script(f"200;tokens={TOKENS};gap={GAP_MS}ms")
        second.script("200;tokens=5;latency=2s")
        front = Front(stack, folder, cores.load, [(one, second.alpha) for one in WAYS.values()],
                      log=True)
        dying = Mock(stack, weir, cores.load) if kind == "moved" else None
        if dying:
            dying.script(f"200;latency={HOLD_S}s")
        proxy = Proxy(stack, folder, cores, "weir" if which == "direct" else which,
                      (plain, front, dying), way, warm)
        if warm:
            time.sleep(WARM_S)
        if dying:
            run = load(stack, folder, cores, proxy.live, "moved", n)
            until("held", lambda: dying.stats()["alpha"]["inflight"] == n)
        streams = Streams(plain.alpha if which == "direct" else proxy.live)
        streams.start()
        time.sleep(LEAD_S)
        cpu, turns, begin = proxy.cpu_s(), proxy.turns(), time.monotonic()
        if dying:
            os.kill(dying.process.pid, signal.SIGKILL)
        else:
            run = load(stack, folder, cores, proxy.cold, "cold", n)
        until("arrived", lambda: second.stats()["alpha"]["hits"] >= n)
        end = time.monotonic()
        cpu = proxy.cpu_s() - cpu
        answered = finish(run, n)
        time.sleep(TAIL_S)
        later = proxy.turns()
        streams.stop()
        late = streams.late_ms(begin, end)
        return {"p50": late[len(late) // 2], "p99": late[len(late) * 99 // 100], "max": late[-1],
                "all_s": end - begin, "last_s": answered - begin, "cpu_s": cpu,
                "opened": front.connections(
                    front.addresses[list(WAYS).index(way)]), "turn": longest(turns, later) if turns else "-"}
