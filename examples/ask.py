"""libweir from Python, by ctypes alone: what a binding for any language has to do.

    python3 ask.py weir.yaml CHAIN PROMPT        (LIBWEIR, LIBUV: where they are, if elsewhere)
"""
import ctypes as c
import json
import os
import sys

uv = c.CDLL(os.environ.get("LIBUV", "libuv.so.1"))
weir = c.CDLL(os.environ.get("LIBWEIR", "libweir.so.0"))

LINE = c.CFUNCTYPE(None, c.c_void_p, c.POINTER(c.c_char), c.c_size_t)
START = c.CFUNCTYPE(None, c.c_void_p, c.c_int, c.c_char_p, c.c_char_p)
BYTES = c.CFUNCTYPE(None, c.c_void_p, c.POINTER(c.c_char), c.c_size_t)
DONE = c.CFUNCTYPE(None, c.c_void_p, c.c_int, c.c_char_p)


class Options(c.Structure):
    """As in weir.h; a later weir takes it as it is, because size says what there is of it."""
    _fields_ = [("size", c.c_size_t), ("config_path", c.c_char_p), ("config_text", c.c_char_p),
                ("config_len", c.c_size_t), ("on_log", LINE), ("log_text", c.c_int),
                ("log_text_fixed", c.c_int), ("on_attempt", LINE), ("log_dropped", c.c_void_p),
                ("on_finding", LINE), ("otel", c.c_void_p), ("on_drain", c.c_void_p),
                ("arg", c.c_void_p), ("seed", c.c_uint64), ("on_notice", c.c_void_p),
                ("now_ms", c.c_void_p)]


class Callbacks(c.Structure):
    _fields_ = [("on_start", START), ("on_bytes", BYTES), ("on_done", DONE)]


started, answer = [(0, None)], []
uv.uv_default_loop.restype = c.c_void_p
uv.uv_run.argtypes = uv.uv_loop_close.argtypes = None
weir.weir_version.restype = weir.weir_strerror.restype = c.c_char_p
loop = c.c_void_p(uv.uv_default_loop())


def check(rc, why=None):
    if rc:
        sys.exit(f"ask.py: {(why and why.value or weir.weir_strerror(rc)).decode()}")


# Python must keep what C calls back to: a callback that is collected is a crash.
on_finding = LINE(lambda arg, line, n: sys.stderr.write(line[:n].decode()) and None)
on_start = START(lambda request, status, kind, target: started.append((status, target)))
on_bytes = BYTES(lambda request, data, n: answer.append(data[:n]))
on_done = DONE(lambda request, whole, trail: answer.append((whole, trail.decode())))

if len(sys.argv) != 4:
    sys.exit(__doc__)
gateway, request, why = c.c_void_p(), c.c_void_p(), c.create_string_buffer(256)
options = Options(size=c.sizeof(Options), config_path=sys.argv[1].encode(), on_finding=on_finding)
callbacks = Callbacks(on_start, on_bytes, on_done)
body = json.dumps({"model": sys.argv[2],
                   "messages": [{"role": "user", "content": sys.argv[3]}]}).encode()

check(weir.weir_gateway_create(c.byref(gateway), loop, c.byref(options), why,
                               c.c_size_t(len(why))), why)
check(weir.weir_request_start(c.byref(request), gateway, b"/v1/chat/completions", body,
                              c.c_size_t(len(body)), c.byref(callbacks), None))
uv.uv_run(loop, 0)                      # until the request is over
weir.weir_gateway_close(gateway, None, None)
uv.uv_run(loop, 0)                      # until nothing of it is left

(status, target), (*pieces, (whole, trail)) = started[-1], answer
said, good = b"".join(pieces), whole and status == 200
print(json.loads(said)["choices"][0]["message"]["content"] if good else said.decode() or "cut")
print(f"{status} from {target and target.decode()}; {trail}", file=sys.stderr)
print("loop", "busy" if uv.uv_loop_close(loop) else "clean", "weir", weir.weir_version().decode(),
      file=sys.stderr)
sys.exit(0 if good else 1)
