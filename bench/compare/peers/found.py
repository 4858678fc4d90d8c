"""Gateways whose programs must already be in $PATH: their makers publish them as container
images or release files, which this does not fetch. The configurations follow their
documentation; whoever does not do the job as it is verified is skipped."""

import json
import os

from install import Skipped, into_cache, run
from machine import first_line, free_address
from mock import KEY, MODEL
from peers.base import Peer, Running
from world import find


class Found(Peer):
    exact = False
    start_s = 20

    def find(self):
        self.cannot = {"tls": f"{self.title}: not configured for a CA of one's own here",
                       "timeout": f"{self.title}: no time-out is configured here"}
        found = find(self.binary)
        if not found:
            raise Skipped(f"no {self.binary} in $PATH, and {self.why}")
        return found

    def version(self):
        return f"{self.title} {first_line([self.program, '--version'])}"

    def launch(self, stack, argv, address, job, folder, env=None, fields=None):
        log = folder / "log"
        with open(log, "a") as out:
            process = self.run(stack, argv, address, stdout=out, stderr=out, cwd=folder,
                               env={**os.environ, **(env or {})})
        return Running(self.name, address, process, mock=job.mock, log=log, fields=fields)


class Bifrost(Found):
    name, title, binary, why = "bifrost", "Bifrost", "bifrost-http", ""
    module = "github.com/maximhq/bifrost/transports/bifrost-http@latest"

    def find(self):
        found = find(self.binary)
        go = find("go")
        if found or not go:
            self.why = "no go to build it with"
            return super().find()
        self.cannot = {"tls": "Bifrost: not configured for a CA of one's own here",
                       "timeout": "Bifrost: its time-out is in whole seconds"}
        return into_cache(self.name, self.install, f"{self.module}, built by go", [
            lambda folder: run([go, "install", self.module], folder, 240,
                               {"GOBIN": str(folder / "bin"), "GOFLAGS": "-modcacherw"})],
            f"bin/{self.binary}")

    def start(self, stack, job, wrap=()):
        folder, address = self.world.new_folder(), free_address()
        (folder / "config.json").write_text(json.dumps({
            "config_store": {"enabled": False}, "client": {"enable_logging": False},
            "providers": {name: {
                "keys": [{"name": name, "value": KEY, "models": [MODEL], "weight": 1}],
                "network_config": {"base_url": f"http://{at}", "max_retries": 0},
                **({"custom_provider_config": {"base_provider_type": "openai"}}
                   if name != "openai" else {})}
                for name, at in (("openai", job.mock.alpha), ("second", job.mock.beta))}}))
        argv = [*wrap, self.program, "-app-dir", folder, "-host", "127.0.0.1", "-port",
                address.split(":")[1]]
        return self.launch(stack, argv, address, job, folder, {"GOMAXPROCS": "1"}, {
            "model": f"openai/{MODEL}", "fallbacks": [f"second/{MODEL}"]})


class Busbar(Found):
    name, title, binary = "busbar", "Busbar", "busbar"
    why = "its crate is a placeholder: put its released program there"

    def start(self, stack, job, wrap=()):
        folder, address = self.world.new_folder(), free_address()
        (folder / "providers.yaml").write_text("".join(
            f"{name}:\n  protocol: openai\n  base_url: http://{at}\n  error_map: {{}}\n"
            for name, at in (("alpha", job.mock.alpha), ("beta", job.mock.beta))))
        (folder / "config.yaml").write_text(json.dumps({
            "listen": address,
            "auth": {"chain": ["tokens"], "upstream_credentials": "own", "client_tokens": [KEY]},
            "providers": {name: {"api_key_env": "PEER_KEY"} for name in ("alpha", "beta")},
            "models": {f"{MODEL}-{name}": {"provider": name, "upstream_model": MODEL,
                                           "max_concurrent": 8000, "max_requests": -1}
                       for name in ("alpha", "beta")},
            "pools": {MODEL: {"members": [{"target": f"{MODEL}-{name}"}
                                          for name in ("alpha", "beta")]}}}))
        return self.launch(stack, [*wrap, self.program], address, job, folder, {
            "BUSBAR_CONFIG": str(folder / "config.yaml"), "BUSBAR_WORKER_THREADS": "1",
            "BUSBAR_PROVIDERS": str(folder / "providers.yaml"), "BUSBAR_STATE_FILE": "",
            "PEER_KEY": KEY})


class Agentgateway(Found):
    name, title, binary = "agentgateway", "agentgateway", "agentgateway"
    why = "no crate of it exists: put its released program there"

    def start(self, stack, job, wrap=()):
        folder, address = self.world.new_folder(), free_address()
        groups = [{"providers": [{
            "name": name, "hostOverride": at, "pathOverride": "/v1/chat/completions",
            "provider": {"openAI": {"model": MODEL}}, "backendAuth": {"key": KEY}}]}
            for name, at in (("alpha", job.mock.alpha), ("beta", job.mock.beta))]
        (folder / "config.yaml").write_text(json.dumps({"binds": [{
            "port": int(address.split(":")[1]), "listeners": [{"routes": [{
                "backends": [{"ai": {"groups": groups}}]}]}]}]}))
        argv = [*wrap, self.program, "-f", "config.yaml"]
        return self.launch(stack, argv, address, job, folder, {
            "ADMIN_ADDR": free_address(), "STATS_ADDR": free_address(),
            "READINESS_ADDR": free_address(), "WORKER_THREADS": "1", "RUST_LOG": "error"})
