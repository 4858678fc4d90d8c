"""weir as it is by default: body scanned and kept for a replay, answers classified, trail
headers, metrics, one JSON log line per request to a file. Retries in place are off, as nobody
else has them."""

import os

from machine import first_line, free_address
from mock import KEY, MODEL
from peers.base import Peer, Running

CONFIG = """
listen: {listen}
admin: 127.0.0.1:0
providers:
  alpha: {{ dialect: openai, base_url: "{scheme}://{alpha}/v1", keys: [ "${{PEER_KEY}}" ]{ca} }}
  beta: {{ dialect: openai, base_url: "{scheme}://{beta}/v1", keys: [ "${{PEER_KEY}}" ]{ca} }}
defaults: {{ retries: 0, connect_timeout: {connect_ms}ms, first_token_timeout: {first_ms}ms,
  attempt_timeout: {first_ms}ms }}
chains:
  {model}:
    steps: [ alpha/{model}, beta/{model} ]
"""


class Weir(Peer):
    name, title = "weir", "weir"

    def find(self):
        return self.world.weir

    def version(self):
        return first_line([self.program, "version"])

    def start(self, stack, job, wrap=()):
        folder, address = self.world.new_folder(), free_address()
        config, log = folder / "weir.yaml", folder / "weir.log"
        config.write_text(CONFIG.format(
            listen=address, alpha=job.mock.alpha, beta=job.mock.beta, model=MODEL,
            scheme="https" if job.mock.ca else "http", first_ms=job.first_ms,
            connect_ms=job.connect_ms,
            ca=f', ca_file: "{job.mock.ca}"' if job.mock.ca else ""))
        # valgrind needs system calls that weir gives up
        open_to_all = ["--sandbox", "off"] if wrap else []
        with open(log, "a") as stderr:
            process = self.run(stack, [*wrap, self.program, "serve", "-c", config, "--log", "json",
                                       *open_to_all],
                               address, stderr=stderr, env={**os.environ, "PEER_KEY": KEY})
        return Running(self.name, address, process, mock=job.mock, log=log)
