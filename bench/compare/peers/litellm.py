"""LiteLLM's proxy, one worker: two deployments, the second as the first one's fallback."""

import json
import os

from install import Skipped, into_cache, run
from machine import first_line, free_address
from mock import KEY, MODEL
from peers.base import Peer, Running
from world import find

PROGRAM = "bin/litellm"


class Litellm(Peer):
    name, title, slow, exact, start_s = "litellm", "LiteLLM", True, False, 90

    holds = (200, 40)

    def find(self):
        self.cannot["tls"] = "LiteLLM: not configured for a CA of one's own here"
        python = find("python3")
        if not python:
            raise Skipped("no python3 in $PATH")
        return into_cache(
            "litellm", self.install, "litellm[proxy], by pip into a venv (about 400 MB)", [
                lambda folder: run([python, "-m", "venv", "."], folder, 60),
                lambda folder: run(["bin/pip", "install", "-q", "litellm[proxy]"], folder, 400)],
            PROGRAM)

    def version(self):
        python = self.program.parent / "python"
        return "LiteLLM " + first_line([python, "-c", "import importlib.metadata as m;"
                                        "print(m.version('litellm'))"])

    def start(self, stack, job, wrap=()):
        folder, address = self.world.new_folder(), free_address()
        config = folder / "litellm.json"  # JSON is YAML
        config.write_text(json.dumps({
            "model_list": [
                {"model_name": name, "litellm_params": {
                    "model": f"openai/{MODEL}", "api_base": f"http://{at}/v1", "api_key": KEY,
                    "timeout": job.first_ms / 1000, "stream_timeout": job.first_ms / 1000}}
                for name, at in ((MODEL, job.mock.alpha), ("second", job.mock.beta))],
            "router_settings": {"num_retries": 0, "disable_cooldowns": not job.health},
            "litellm_settings": {"num_retries": 0, "telemetry": False, "drop_params": False,
                                 "fallbacks": [{MODEL: ["second"]}]},
            "general_settings": {"disable_spend_logs": True, "master_key": KEY}}))
        env = {**os.environ, "LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR",
               "LITELLM_TELEMETRY": "False", "NO_DOCS": "True"}
        log = folder / "litellm.log"
        with open(log, "a") as out:
            process = self.run(stack, [*wrap, self.program, "--config", config, "--host",
                                       "127.0.0.1", "--port", address.split(":")[1]], address,
                               env=env, stdout=out, stderr=out)
        return Running(self.name, address, process, mock=job.mock, log=log)
