"""The simulated providers that all peers stand before: `weir mock`, and what is asked of them."""

import http.client
import json
import re
import subprocess

from machine import START_S, Broken, start

MODEL, KEY = "gpt-4o", "sk-bench-0f9a3c5e71b24d86a0c2e4f61b3d5a79"
TOKENS = 50  # makes an answer of about 700 bytes
PROBE_S = 20
GOOD = f"200;tokens={TOKENS}"


class Mock:
    """Two providers, alpha and beta, and their books."""

    def __init__(self, stack, weir, cores, ca=None):
        argv = [weir, "mock", "-v", "alpha", "-v", "beta", "--control", "127.0.0.1:0"]
        if ca:
            argv += ["-t", "alpha=valid", "-t", "beta=valid", "--ca-out", ca]
        self.ca = ca
        self.process = start(stack, argv, cores, stdout=subprocess.PIPE, text=True)
        lines = [self.process.stdout.readline().split() for _ in range(3)]
        if not all(lines):
            raise Broken("weir mock did not start")
        urls = {words[-2]: words[-1].split("//")[1] for words in lines}
        self.alpha, self.beta, self.control = urls["alpha"], urls["beta"], urls["control"]
        self.script()

    def ask(self, method, path, body=None):
        connection = http.client.HTTPConnection(self.control, timeout=START_S)
        connection.request(method, path, body, {"content-type": "text/plain"} if body else {})
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        if answer.status != 200:
            raise Broken(f"weir mock: {text}")
        return text

    def script(self, alpha=GOOD, beta=GOOD):
        self.ask("POST", "/mock/script", f"alpha={alpha}\nbeta={beta}")

    def stats(self):
        """Of both: hits, answered, inflight, tokens, and connections accepted."""
        found = json.loads(self.ask("GET", "/mock/stats"))["vendors"]
        return {v["name"]: {**{k: v[k] for k in ("hits", "answered", "inflight", "tokens")},
                            "accepted": v["connections"]["accepted"]} for v in found}


def difference(before, after):
    return {name: {k: after[name][k] - before[name][k] for k in after[name]} for name in after}


def chat(size, stream=False, **fields):
    """A chat of that many bytes, as the official clients write it: UTF-8, and a line feed or
    a quote to escape now and then. $NONCE becomes one nonce per request, of 20 bytes."""
    words = ('Explain in one word "why" this line is as long as lines in prompts are, then\n'
             "stop – and mind the café in it, since few prompts are of ASCII alone.\n")
    room = 20 - len("$NONCE")

    def body(text):
        return json.dumps({"model": MODEL, "messages": [
            {"role": "system", "content": "You are terse."},
            {"role": "user", "content": "Begin your answer with the nonce. nonce=$NONCE " + text}],
            "temperature": 0.2, "max_tokens": 256, "stream": stream, **fields},
            ensure_ascii=False).encode()

    text = ""
    while len(body(text + words)) + room <= size:
        text += words
    return body(text + "." * max(0, size - room - len(body(text))))


def post(address, body, headers=(), path="/v1/chat/completions", timeout=PROBE_S):
    """Status and text of one answer; its serial number is left out."""
    connection = http.client.HTTPConnection(address, timeout=timeout)
    try:
        connection.request("POST", path, body, {
            "content-type": "application/json", "authorization": f"Bearer {KEY}",
            **dict(headers)})
        answer = connection.getresponse()
        text = answer.read().decode(errors="replace")
    finally:
        connection.close()
    text = re.sub(r'"created":\d+', '"created":0', text)
    return answer.status, re.sub(r'"id":"[^"]*"', '"id":""', text)


def said(text):
    """What an answer says, streamed or not, whatever else its JSON holds."""
    parts = [line[5:].strip() for line in text.splitlines() if line.startswith("data:")]
    found = ""
    for part in parts or [text]:
        if part.startswith("{"):
            for choice in json.loads(part).get("choices", ()):
                found += (choice.get("delta") or choice.get("message") or {}).get("content") or ""
    return found
