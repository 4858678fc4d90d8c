"""Portkey's gateway on Node: a fallback of two targets, told by a header with each request."""

import json
import os

from install import Skipped, into_cache, run
from machine import first_line, free_address
from mock import KEY
from peers.base import Peer, Running
from world import find

VERSION, SERVER = "1.15.2", "1.13.7"  # with a later @hono/node-server its streams do not end
PACKAGE = {"name": "peer", "private": True,
           "dependencies": {"@portkey-ai/gateway": VERSION},
           "overrides": {"@hono/node-server": SERVER}}
PROGRAM = "node_modules/@portkey-ai/gateway/build/start-server.js"


class Portkey(Peer):
    name, title, slow, exact, start_s = "portkey", "Portkey", True, False, 60

    holds = (1000, 200)

    def find(self):
        self.node = find("node")
        if not self.node or not find("npm"):
            raise Skipped("no node or no npm in $PATH")

        def describe(folder):
            (folder / "package.json").write_text(json.dumps(PACKAGE))

        def fetch(folder):
            run(["npm", "install", "--no-audit", "--no-fund", "--omit=dev", "--ignore-scripts"],
                folder, 240)

        return into_cache("portkey", self.install, f"@portkey-ai/gateway {VERSION} with"
                          f" @hono/node-server {SERVER}, by npm (about 95 packages)",
                          [describe, fetch], PROGRAM)

    def version(self):
        return f"Portkey {VERSION} on Node {first_line([self.node, '-v'])}"

    def start(self, stack, job, wrap=()):
        address = free_address()
        config = {"strategy": {"mode": "fallback"}, "request_timeout": job.first_ms, "targets": [
            {"provider": "openai", "api_key": KEY, "retry": {"attempts": 0},
             "custom_host": f"{'https' if job.mock.ca else 'http'}://{at}/v1"}
            for at in (job.mock.alpha, job.mock.beta)]}
        env = {**os.environ, "TRUSTED_CUSTOM_HOSTS": "localhost,127.0.0.1",
               **({"NODE_EXTRA_CA_CERTS": str(job.mock.ca)} if job.mock.ca else {})}
        log = self.world.new_folder() / "portkey.log"
        with open(log, "a") as out:
            process = self.run(stack, [*wrap, self.node, self.program, "--headless",
                                       f"--port={address.split(':')[1]}"], address, env=env,
                               stdout=out, stderr=out)
        return Running(self.name, address, process, mock=job.mock, log=log,
                       headers={"x-portkey-config": json.dumps(config, separators=(",", ":"))})
