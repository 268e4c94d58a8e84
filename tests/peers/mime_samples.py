"""Turns real mails into messages that an application could send.

    scripts/python-peer tests/peers/mime_samples.py COUNT DIR...

Reads every .eml and .txt below the directories, in the order of their names, and writes COUNT JSON objects, one a line, going round as often as it takes:

    {"sample": "…/006.eml", "from_name": "…", "subject": "…", "text": "…", "html": "…", "attachments": [{"filename": "…", "content": "base64"}]}

What no application could send is left out: control characters in the subject line, parts beyond 256 KiB, empty file names.
"""

import base64
import email
import email.policy
import itertools
import json
import pathlib
import sys

PART_BYTES_MAX = 256 * 1024


def line(text, length):
    return "".join(c for c in str(text) if c.isprintable())[:length].strip()


def sample(path):
    message = email.message_from_bytes(path.read_bytes(), policy=email.policy.compat32)
    made = {"sample": str(path.name), "from_name": "", "subject": "", "text": None, "html": None, "attachments": []}
    made["subject"] = line(decoded(message.get("subject", "")), 200) or "(no subject)"
    made["from_name"] = line(decoded(message.get("from", "")).split("<")[0].replace('"', "").replace("@", " at "), 60)
    for part in message.walk():
        if part.is_multipart():
            continue
        try:
            content = part.get_payload(decode=True) or b""
        except Exception:
            content = b""
        if not content or len(content) > PART_BYTES_MAX:
            continue
        name = part.get_filename()
        kind = part.get_content_type()
        if kind in ("text/plain", "text/html") and not name:
            key = kind.split("/")[1].replace("plain", "text")
            if made[key] is None:
                made[key] = content.decode("utf-8", "replace").replace("\x00", "")
        elif name and line(decoded(name), 100):
            made["attachments"].append({"filename": line(decoded(name), 100), "content": base64.b64encode(content).decode()})
    if made["text"] is None and made["html"] is None:
        made["text"] = path.read_bytes()[:PART_BYTES_MAX].decode("utf-8", "replace").replace("\x00", "")
    made["attachments"] = made["attachments"][:3]
    return made


def decoded(value):
    try:
        return str(email.header.make_header(email.header.decode_header(str(value))))
    except Exception:
        return str(value)


def main():
    count, directories = int(sys.argv[1]), sys.argv[2:]
    files = sorted(p for d in directories for p in pathlib.Path(d).rglob("*") if p.suffix in (".eml", ".txt") and p.is_file())
    if not files:
        sys.exit("no samples below " + " ".join(directories))
    samples = [sample(path) for path in files]
    for made in itertools.islice(itertools.cycle(samples), count):
        print(json.dumps(made))


main()
