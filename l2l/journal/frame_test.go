package journal

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/l2l/codec"
)

// FuzzDecode gives the decoder payloads whose checksums are right, which FuzzRead can hardly find.
func FuzzDecode(f *testing.F) {
	f.Add(byte(1), []byte{0x80})
	f.Add(byte(3), []byte{0x9b, 1, 2, 3})
	f.Fuzz(func(t *testing.T, kind byte, payload []byte) {
		_, _ = decode(kind, payload) // must not panic
	})
}

// FuzzReadCheckpoint puts files of any content, and payloads of any content in a frame with the right checksums, where a checkpoint is expected.
func FuzzReadCheckpoint(f *testing.F) {
	dir := f.TempDir()
	j, err := Create(dir, Options{})
	if err != nil {
		f.Fatal(err)
	}
	for i := range 3 {
		if err := j.Record(l2l.Result{Individual: int64(i)}); err != nil {
			f.Fatal(err)
		}
	}
	if err := j.CheckpointNow(func() ([]byte, error) { return []byte("the state of the search"), nil }); err != nil {
		f.Fatal(err)
	}
	if err := j.Close(); err != nil {
		f.Fatal(err)
	}
	path := filepath.Join(checkpointDir(dir), "000000001.ckpt")
	whole, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	taken, ok, passed := LatestCheckpoint(dir)
	if !ok || len(passed) > 0 {
		f.Fatalf("the checkpoint itself is not taken: %v", passed)
	}
	for _, c := range []Checkpoint{taken, {Offset: 1 << 40}, {Offset: -1, Follows: []byte{}}, {Offset: 20, Follows: []byte("12345")}} {
		payload, err := codec.Marshal(c)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(true, payload)
	}
	f.Add(false, whole)
	f.Add(false, whole[:len(whole)-1])
	f.Add(false, append(bytes.Clone(whole), 0))
	f.Add(false, []byte(magic1))
	f.Add(false, []byte{})
	f.Fuzz(func(t *testing.T, framed bool, content []byte) {
		if framed {
			c, _ := begin([]byte(magic))
			if content, err = c.appendFrame([]byte(magic), kindCheckpoint, content); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.WriteFile(path, content, 0o666); err != nil {
			t.Fatal(err)
		}
		c, ok, passed := LatestCheckpoint(dir)
		if ok && !framed && !reflect.DeepEqual(c, taken) {
			t.Errorf("another checkpoint is taken: %+v", c)
		}
		if !ok && (len(passed) != 1 || !strings.Contains(passed[0].Error(), path)) {
			t.Errorf("passed over for %v, want a reason with the path", errors.Join(passed...))
		}
	})
}
