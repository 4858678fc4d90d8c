"""The status page as a C array: join.py HTML CSS JS OUT. Puts style and script into the page, and
lets the page have no others: the policy names both by their hashes."""

import base64
import hashlib
import pathlib
import sys

MAX = 60 * 1024  # bytes; it is sent whole to whoever opens it


def token(text):
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"


html, css, js = (pathlib.Path(name).read_text() for name in sys.argv[1:4])
page = html
for mark, text in (("/*style*/", css), ("/*script*/", js)):
    if page.count(mark) != 1 or "</" + ("style" if text is css else "script") in text:
        sys.exit(f"join.py: {mark} must stand once, and must not end early")
    page = page.replace(mark, text)
data = page.encode()
if len(data) > MAX:
    sys.exit(f"join.py: {len(data)} bytes, at most {MAX}")
policy = (f"default-src 'none'; style-src {token(css)}; script-src {token(js)}; img-src data:; "
          "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
lines = [",".join(map(str, data[i:i + 24])) for i in range(0, len(data), 24)]
pathlib.Path(sys.argv[4]).write_text(
    f'#define STATUS_PAGE_POLICY "{policy}"\n'
    f"static const unsigned char status_page_html[] = {{\n" + ",\n".join(lines) + "\n};\n")
