"""Sends and reads back with Resend's own SDK, of which only the base URL is changed: resend_sdk.py URL KEY. Prints one JSON object."""

import json
import sys

import resend
from resend.exceptions import ResendError

resend.api_url, resend.api_key = sys.argv[1], sys.argv[2]
message = {
    "from": "Shop <shop@example.org>",
    "to": ["bob@example.com"],
    "reply_to": "help@example.org",
    "subject": "Your order",
    "text": "Thank you.",
    "tags": [{"name": "order", "value": "n1"}],
    "headers": {"X-Shop": "1"},
    "attachments": [{"filename": "bill.txt", "content": list(b"42")}],
}
first = resend.Emails.send(message, {"idempotency_key": "order-1"})
again = resend.Emails.send(message, {"idempotency_key": "order-1"})
read = resend.Emails.get(first["id"])
batch = resend.Batch.send([message, {**message, "to": "carol@example.com"}])
try:
    resend.Emails.send({**message, "subject": "Another"}, {"idempotency_key": "order-1"})
    other = None
except ResendError as error:
    other = error.error_type
print(json.dumps({"first": first["id"], "again": again["id"], "to": read["to"], "last_event": read["last_event"],
                  "batch": len(batch["data"]), "other": other}))
