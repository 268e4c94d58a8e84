"""Sends through Resend's official Python SDK, with only the base URL changed.

    scripts/python-peer tests/peers/resend_sends.py URL KEY < PARAMETERS

Reads one JSON object a line: the parameters of `resend.Emails.send`, or a list of them for `resend.Batch.send`. Writes one line for each, in their order: the ids
as a JSON list, or {"error": …}. To a line `GET:ID` it writes what `resend.Emails.get` answers.
"""

import json
import sys
from concurrent.futures import ThreadPoolExecutor

import resend

resend.api_url, resend.api_key = sys.argv[1], sys.argv[2]


def send(text):
    try:
        if text.startswith("GET:"):
            return dict(resend.Emails.get(text[4:].strip()))
        parameters = json.loads(text)
        if isinstance(parameters, list):
            return [sent["id"] for sent in resend.Batch.send(parameters)["data"]]
        return [resend.Emails.send(parameters)["id"]]
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}


with ThreadPoolExecutor(8) as threads:
    for answer in threads.map(send, sys.stdin):
        print(json.dumps(answer), flush=True)
