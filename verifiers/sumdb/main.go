// Looks through a bundle of `lethemail audit export` with the code that verifies Go's own checksum database (golang.org/x/mod/sumdb): the signed
// checkpoint, the tiles under it, and that every entry hashes to its leaf.
//
//	GO111MODULE=off GOPATH=/usr/share/gocode go run verifiers/sumdb/main.go BUNDLE
package main

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// bundle reads tiles from files. Go's own paths begin with the tiles' height.
type bundle string

func (b bundle) Height() int { return 8 }

func (b bundle) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var contents [][]byte
	for _, tile := range tiles {
		content, err := os.ReadFile(filepath.Join(string(b), strings.Replace(tile.Path(), "tile/8/", "tile/", 1)))
		if err != nil {
			return nil, err
		}
		contents = append(contents, content)
	}
	return contents, nil
}

func (b bundle) SaveTiles([]tlog.Tile, [][]byte) {}

// tree is what the first of these keys that fits has signed.
func (b bundle) tree(path, suffix string) (tlog.Tree, error) {
	keys, err := os.ReadFile(filepath.Join(string(b), "keys"))
	if err != nil {
		return tlog.Tree{}, err
	}
	text, err := os.ReadFile(filepath.Join(string(b), path))
	if err != nil {
		return tlog.Tree{}, err
	}
	for _, key := range strings.Fields(string(keys)) {
		verifier, err := note.NewVerifier(key)
		if err != nil || strings.HasSuffix(verifier.Name(), "/platform") != (suffix == "platform") {
			continue
		}
		opened, err := note.Open(text, note.VerifierList(verifier))
		if err != nil {
			return tlog.Tree{}, err
		}
		lines := strings.Split(opened.Text, "\n")
		if len(lines) < 4 || lines[0] != verifier.Name() {
			return tlog.Tree{}, errors.New("a checkpoint of another log")
		}
		size, err := strconv.ParseInt(lines[1], 10, 64)
		if err != nil {
			return tlog.Tree{}, err
		}
		hash, err := tlog.ParseHash(lines[2])
		return tlog.Tree{N: size, Hash: hash}, err
	}
	return tlog.Tree{}, errors.New("no key for this log")
}

// entries are those beside a level-0 tile.
func (b bundle) entries(tile tlog.Tile) ([][]byte, error) {
	path := strings.Replace(tile.Path(), "tile/8/0/", "tile/entries/", 1)
	content, err := os.ReadFile(filepath.Join(string(b), path))
	if err != nil {
		return nil, err
	}
	var entries [][]byte
	for len(content) >= 2 {
		length := 2 + int(binary.BigEndian.Uint16(content))
		if length > len(content) {
			return nil, errors.New(path + " is cut short")
		}
		entries, content = append(entries, content[2:length]), content[length:]
	}
	return entries, nil
}

func verify(b bundle) error {
	tree, err := b.tree("checkpoint", "")
	if err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	platform, err := b.tree("platform/checkpoint", "platform")
	if err != nil {
		return fmt.Errorf("platform/checkpoint: %w", err)
	}
	if err := b.proof(tree, platform); err != nil {
		return fmt.Errorf("platform/proof: %w", err)
	}
	reader := tlog.TileHashReader(tree, b)
	for first := int64(0); first < tree.N; first += 256 {
		width := int(min(256, tree.N-first))
		entries, err := b.entries(tlog.Tile{H: 8, L: 0, N: first / 256, W: width})
		if err != nil || len(entries) != width {
			return fmt.Errorf("entries from %d: %d of %d: %v", first, len(entries), width, err)
		}
		indexes := make([]int64, width)
		for place := range indexes {
			indexes[place] = tlog.StoredHashIndex(0, first+int64(place))
		}
		hashes, err := reader.ReadHashes(indexes)
		if err != nil {
			return fmt.Errorf("tiles from event %d: %w", first, err)
		}
		for place, entry := range entries {
			if tlog.RecordHash(entry) != hashes[place] {
				return fmt.Errorf("event %d: the entry is not the leaf's", first+int64(place))
			}
		}
	}
	fmt.Printf("holds: %d entries under the signed root, which is one of %d checkpoints\n", tree.N, platform.N)
	return nil
}

// proof shows the checkpoint in the platform log (C2SP tlog-proof).
func (b bundle) proof(tree, platform tlog.Tree) error {
	text, err := os.ReadFile(filepath.Join(string(b), "platform/proof"))
	if err != nil {
		return err
	}
	lines := strings.Split(strings.SplitN(string(text), "\n\n", 2)[0], "\n")
	index, err := strconv.ParseInt(strings.TrimPrefix(lines[1], "index "), 10, 64)
	if err != nil {
		return err
	}
	var proof tlog.RecordProof
	for _, line := range lines[2:] {
		hash, err := tlog.ParseHash(line)
		if err != nil {
			return err
		}
		proof = append(proof, hash)
	}
	checkpoint, err := os.ReadFile(filepath.Join(string(b), "checkpoint"))
	if err != nil {
		return err
	}
	origin := strings.SplitN(string(checkpoint), "\n", 2)[0]
	entry := fmt.Sprintf("%s\n%d\n%s\n", origin[strings.LastIndex(origin, "/")+1:], tree.N, base64.StdEncoding.EncodeToString(tree.Hash[:]))
	return tlog.CheckRecord(proof, platform.N, platform.Hash, index, tlog.RecordHash([]byte(entry)))
}

func min(a, b int64) int64 {
	if a < b {
		return a
	}
	return b
}

func main() {
	if err := verify(bundle(os.Args[1])); err != nil {
		fmt.Println("BROKEN:", err)
		os.Exit(1)
	}
}
