#!/usr/bin/env python3
"""Looks through a bundle of `lethemail audit export`, with none of Lethemail's code: python3 verify.py BUNDLE [KEY [RECEIPTS]]

KEY is the log's public key as `lethemail audit key --org …` prints it; without it the bundle's own is believed. RECEIPTS is a file
with ids of events that must be there, one a line. Exit code 0 when everything holds,
otherwise 8, plus 1 for integrity, 2 for completeness, 4 for erasures. Needs the package `cryptography`; everything else is Python's own.
"""
import base64
import hashlib
import json
import pathlib
import sys
import uuid

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

faults = {"integrity": [], "completeness": [], "erasure": []}


def sha(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def open_note(text, vkey):
    """The lines of a signed note (C2SP signed-note), when this key has signed it."""
    name, key_id, encoded = vkey.split("+", 2)
    key = base64.b64decode(encoded)
    assert key[0] == 1 and sha(name.encode(), b"\n", key)[:4].hex() == key_id, "not an Ed25519 verifier key"
    body, signatures = text.rsplit("\n\n", 1)
    for line in signatures.splitlines():
        dash, signer, signature = line.split(" ")
        signature = base64.b64decode(signature)
        if signer == name and signature[:4].hex() == key_id:
            Ed25519PublicKey.from_public_bytes(key[1:]).verify(signature[4:], (body + "\n").encode())
            origin, size, root = body.split("\n")[:3]
            assert origin == name, "a checkpoint of another log"
            return int(size), base64.b64decode(root)
    raise InvalidSignature


def included(leaf, index, size, path, root):
    """RFC 9162, 2.1.3.2."""
    place, last, value = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            return False
        if place & 1 or place == last:
            value = sha(b"\x01", sibling, value)
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            value = sha(b"\x01", value, sibling)
        place, last = place >> 1, last >> 1
    return index < size and last == 0 and value == root


def holds_proof(leaf, text, vkey, at=None):
    """A C2SP tlog-proof: this leaf stands under a checkpoint that the key has signed, and there at this place where one is wanted."""
    head, note = text.split("\n\n", 1)
    form, index, *path = head.splitlines()
    assert form == "c2sp.org/tlog-proof@v1"
    size, root = open_note(note.lstrip("\n"), vkey)
    return at in (None, int(index.split()[1])) and included(leaf, int(index.split()[1]), size, [base64.b64decode(line) for line in path], root)


class Tiles:
    """Hashes by level and place; each was found under the root, or is not used."""

    def __init__(self, bundle, size):
        self.bundle, self.size, self.known = bundle, size, {}

    def tile(self, level, number):
        if (level, number) not in self.known:
            self.known[level, number] = None
            width = min((self.size >> 8 * level) - 256 * number, 256)
            digits = f"{number % 1000:03}"
            rest = number // 1000
            while rest:
                digits, rest = f"x{rest % 1000:03}/{digits}", rest // 1000
            path = f"tile/{level}/{digits}" + (f".p/{width}" if width < 256 else "")
            content = (self.bundle / path).read_bytes() if (self.bundle / path).exists() else b""
            hashes = [content[at : at + 32] for at in range(0, len(content), 32)]
            if len(hashes) != width or width == 256 and fold(hashes) != self.node(8 * level + 8, number):
                faults["integrity"].append(f"{path}: missing, or its hashes are not those under the tile above")
            else:
                self.known[level, number] = hashes
        return self.known[level, number]

    def node(self, height, number):
        level, within = divmod(height, 8)
        first = number << within
        hashes = self.tile(level, first // 256)
        return hashes and fold(hashes[first % 256 : first % 256 + (1 << within)])

    def root(self, low=0, high=None):
        width = (self.size if high is None else high) - low
        if width & (width - 1) == 0:
            return self.node(width.bit_length() - 1, low // width)
        middle = low + (1 << (width - 1).bit_length() - 1)
        left, right = self.root(low, middle), self.root(middle, low + width)
        return left and right and sha(b"\x01", left, right)


def fold(row):
    while len(row) > 1:
        row = [sha(b"\x01", row[at], row[at + 1]) for at in range(0, len(row), 2)]
    return row[0]


def slots(sealed):
    """Kind and content of each numbered slot: 0 withheld, 1 an envelope, 2 the hash of one that was removed."""
    at = 0
    while at < len(sealed):
        length = int.from_bytes(sealed[at + 1 : at + 5], "big")
        yield sealed[at], sealed[at + 5 : at + 5 + length]
        at += 5 + length


def read_line(line):
    line = json.loads(line)
    header, sealed, salt = (base64.b64decode(line[name], validate=True) for name in ("header", "sealed", "salt"))
    facts = base64.b64decode(line["facts"] if "facts" in line else line["data_base64"], validate=True)
    envelopes = list(slots(sealed))
    hashes = [content if kind == 2 else hashlib.sha256(content).digest() for kind, content in envelopes]
    leaf = sha(b"\0", salt, hashlib.sha256(header).digest(), hashlib.sha256(facts).digest(), sha(*hashes))
    return line["index"], json.loads(header), facts, envelopes, leaf


BEGINNINGS = ("ErasureStarted", "ErasureWidened", "ErasureCaseClosed")


def keys_of(header, facts):
    """The keys whose end an event explains. Between these and SubjectKeyDestroyed some processes may use them still."""
    if header["event_type"] not in BEGINNINGS + ("SubjectKeyDestroyed", "BucketKeyDestroyed"):
        return []
    facts = json.loads(facts)
    keys = [key if isinstance(key, str) else key["key"] for key in facts.get("keys", [])]
    return keys + [facts["key"]] if "key" in facts else keys


def former_leaf(former):
    """The first leaf of a platform log that came after a loss: the last checkpoint of the one before, under its own name."""
    key = bytes.fromhex(former["key"])
    root = base64.b64encode(bytes.fromhex(former["root"])).decode()
    return sha(b"\0", f"lethemail-{sha(key)[:8].hex()}/platform\n{former['size']}\n{root}\n".encode())


def look_through(bundle, manifest, tiles):
    destroyed, doomed, seen, versions, used, gaps, events = {}, set(), set(), {}, set(), [], set()
    first, end = manifest["first"], manifest["first"] + manifest["count"]
    last = first - 1
    with open(bundle / "events.jsonl", "rb") as lines:
        for number, line in enumerate(lines, 1):
            try:
                index, header, facts, envelopes, leaf = read_line(line)
            except (ValueError, KeyError):
                faults["integrity"].append(f"line {number}: no event")
                continue
            hashes = tiles.tile(0, index // 256) if index < tiles.size else None
            if not hashes or hashes[index % 256] != leaf:
                faults["integrity"].append(f"line {number}, event {index}: not what was signed at this place")
            elif index <= last:
                faults["integrity"].append(f"line {number}, event {index}: in the wrong place, or twice")
            last = max(last, index)
            seen.add(index)
            events.add(header["event_id"])
            stream, version = header["stream"], header["version"]
            if version != versions.get(stream, 0 if first == 0 else version):
                gaps.append(f"line {number}: version {version} of {stream} comes too early or too late")
            versions[stream] = version + 1
            for kind, envelope in envelopes:
                if kind == 1:
                    keys = [str(uuid.UUID(bytes=envelope[at : at + 16])) for at in (2, 18)]
                    used.update(keys)
                    for key in set(keys) & destroyed.keys():
                        faults["erasure"].append(f"event {index}: sealed under key {key}, destroyed by event {destroyed[key]}")
            doomed.update(keys_of(header, facts))
            if header["event_type"] not in BEGINNINGS:
                for key in keys_of(header, facts):
                    destroyed.setdefault(key, index)
    missing = [index for index in range(first, min(end, tiles.size)) if index not in seen]
    # What streams lack follows from every other fault, so it is told where there is none.
    faults["completeness"] += [f"event {index}: missing" for index in missing] or ([] if faults["integrity"] else gaps)
    return destroyed, doomed, used, events


def main(bundle, key=None, receipts=None):
    bundle = pathlib.Path(bundle)
    manifest = json.loads((bundle / "manifest.json").read_text())
    vkeys = (bundle / "keys").read_text().split()
    key = key or next(line for line in vkeys if line.split("+")[0].endswith("/" + manifest["organization"].replace("-", "")))
    public = base64.b64decode(key.split("+", 2)[2])  # With the algorithm's byte.

    def sibling(log):
        """The same key under the name that it has in another log of the installation."""
        name = key.split("/")[0] + "/" + log
        return "+".join([name, sha(name.encode(), b"\n", public)[:4].hex(), key.split("+", 2)[2]])

    try:
        size, root = open_note((bundle / "checkpoint").read_text(), key)
    except Exception:
        faults["integrity"].append("checkpoint: its signature does not hold")
        size, root = manifest["tree_size"], None
    tiles = Tiles(bundle, size)
    if size and tiles.root() != root:
        faults["integrity"].append("tile: the tiles do not lead to the signed root")
    destroyed, doomed, used, events = look_through(bundle, manifest, tiles)
    wanted = pathlib.Path(receipts).read_text().split() if receipts else []
    faults["completeness"] += [f"event {event}: a receipt names it" for event in wanted if event not in events]
    entry = f"{uuid.UUID(manifest['organization']).hex}\n{size}\n{base64.b64encode(root or b'').decode()}\n".encode()
    try:
        assert holds_proof(sha(b"\0", entry), (bundle / "platform/proof").read_text(), sibling("platform"))
    except Exception:
        faults["integrity"].append("platform/proof: it does not show the checkpoint in the platform log")
    losses = []
    for number, line in enumerate((bundle / "explanations.jsonl").read_text().splitlines(), 1):
        explanation = json.loads(line)
        _, header, facts, _, leaf = read_line(explanation["event"])
        if holds_proof(leaf, explanation["proof"], sibling("0" * 32)):
            doomed.update(keys_of(header, facts))
            losses += [json.loads(facts)] if header["event_type"] == "LossAccepted" else []
        else:
            faults["erasure"].append(f"explanations.jsonl line {number}: not proven")
    formers, shown = [loss["former"] for loss in losses if loss["former"]], bundle / "platform/former"
    if formers or shown.exists():
        try:
            assert holds_proof(former_leaf(formers[-1]), shown.read_text(), sibling("platform"), at=0)
        except Exception:
            faults["integrity"].append("platform/former: it does not show the former log as the first entry of the platform log")
    gone = set(manifest["unreadable_keys"])
    faults["erasure"] += [f"manifest.json: key {key} is gone, and nothing here destroyed it" for key in gone - doomed]
    faults["erasure"] += [f"event {destroyed[key]}: key {key} is still there" for key in (destroyed.keys() & used) - gone]
    for path, entry in manifest["files"].items():
        if hashlib.sha256((bundle / path).read_bytes()).hexdigest() != entry["sha256"]:
            faults["integrity"].append(f"{path}: another SHA-256 than the manifest says")
    for verdict, found in faults.items():
        print(f"{verdict:<13} {'BROKEN' if found else 'holds'}", *found[:20], sep="\n    " if found else "")
    print(f"{manifest['count']} events of {size}; key {key}")
    for loss in losses:
        print(f"loss accepted: what happened after {loss['since']} until {loss['until']} (microseconds since 1970) or later is missing")
    broken = sum(bit for bit, found in zip((1, 2, 4), faults.values()) if found)
    return broken and 8 + broken


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
