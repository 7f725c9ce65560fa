package journal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/meta-optimization/l2l-mpi/l2l/codec"
)

// Checkpoint is a snapshot of the search after the events before a byte offset of the journal.
type Checkpoint struct {
	Offset   int64
	Snapshot []byte
	Follows  []byte // the checksum of the journal up to the offset, as it stands there; nil in those of the first version
}

// follows returns an error unless the checkpoint is of this journal, which ends at byte end.
func (c *Checkpoint) follows(events io.ReaderAt, end int64) error {
	if c.Offset > end {
		return fmt.Errorf("it is of byte %d of a journal that ends at byte %d", c.Offset, end)
	}
	if c.Follows == nil || c.Offset <= int64(len(magic)) {
		return nil
	}
	sum, err := sumBefore(events, c.Offset)
	if err == nil && sum != binary.LittleEndian.Uint32(append(c.Follows, make([]byte, crcSize)...)) {
		err = fmt.Errorf("it is not of this journal, which has another content up to byte %d", c.Offset)
	}
	return err
}

// kept is how many checkpoints are kept: the newest may be the one that a dying machine tore.
const kept = 2

func checkpointDir(dir string) string { return filepath.Join(dir, "checkpoint") }

// checkpointFiles lists the checkpoints of a run, oldest first.
func checkpointFiles(dir string) []string {
	files, _ := filepath.Glob(filepath.Join(checkpointDir(dir), "*.ckpt")) // the pattern is sound; no directory, no files
	slices.Sort(files)
	return files
}

// lastCheckpoint is the number of the newest checkpoint, 0 if there is none.
func lastCheckpoint(dir string) (n int) {
	if files := checkpointFiles(dir); len(files) > 0 {
		_, _ = fmt.Sscanf(filepath.Base(files[len(files)-1]), "%d", &n) // a foreign name counts as none
	}
	return n
}

// Checkpoint implements l2l.Recorder: it takes one if the interval is over. Checkpoints take at most 2 % of the time.
func (j *Journal) Checkpoint(snapshot func() ([]byte, error)) error {
	if time.Now().Before(j.nextCheckpoint) {
		return nil
	}
	return j.CheckpointNow(snapshot)
}

// CheckpointNow takes a checkpoint.
func (j *Journal) CheckpointNow(snapshot func() ([]byte, error)) error {
	began := time.Now()
	defer func() { j.nextCheckpoint = time.Now().Add(max(j.opts.Checkpoint, 50*time.Since(began))) }()
	state, err := snapshot()
	if err != nil {
		return err
	}
	at, err := j.sync() // a checkpoint must never be ahead of the journal
	if err != nil {
		return err
	}
	payload, err := codec.Marshal(Checkpoint{Offset: at.offset, Snapshot: state, Follows: binary.LittleEndian.AppendUint32(nil, at.sum)})
	if err != nil {
		return err
	}
	c, _ := begin([]byte(magic))
	frame, err := c.appendFrame([]byte(magic), kindCheckpoint, payload)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(checkpointDir(j.dir), 0o777); err != nil {
		return err
	}
	j.checkpoints++
	if err := WriteFile(filepath.Join(checkpointDir(j.dir), fmt.Sprintf("%09d.ckpt", j.checkpoints)), frame); err != nil {
		return err
	}
	files := checkpointFiles(j.dir)
	var errs []error
	for _, old := range files[:max(0, len(files)-kept)] {
		errs = append(errs, os.Remove(old))
	}
	return errors.Join(errs...)
}

// WriteFile writes a file so that it is there as a whole or not at all.
func WriteFile(path string, content []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	_, err1 := tmp.Write(content)
	err2 := tmp.Sync()
	err3 := tmp.Close()
	if err := errors.Join(err1, err2, err3); err != nil {
		return errors.Join(err, os.Remove(tmp.Name()))
	}
	return os.Rename(tmp.Name(), path)
}

// LatestCheckpoint returns the newest whole checkpoint of the run in dir that is of its journal; ok is false where there is none. Checkpoints that
// cannot be used are named in passed.
func LatestCheckpoint(dir string) (c Checkpoint, ok bool, passed []error) {
	events, err := os.Open(eventsFile(dir))
	if err != nil {
		return c, false, []error{err}
	}
	defer events.Close()
	info, err := events.Stat()
	if err != nil {
		return c, false, []error{err}
	}
	for _, path := range slices.Backward(checkpointFiles(dir)) {
		c, err := readCheckpoint(path)
		if err == nil {
			if err = c.follows(events, info.Size()); err != nil {
				err = fmt.Errorf("journal: %s: %w", path, err)
			}
		}
		if err == nil {
			return c, true, passed
		}
		if !errors.Is(err, fs.ErrNotExist) { // removed since it was listed, by the run that goes on
			passed = append(passed, err)
		}
	}
	return c, false, passed
}

// dropCheckpoints removes the checkpoints that are not of the journal: when it has grown again past their offsets, they must not be taken for
// its own. Those that cannot be read stay, to be told of.
func dropCheckpoints(dir string, events io.ReaderAt, end int64) error {
	var errs []error
	for _, path := range checkpointFiles(dir) {
		if c, err := readCheckpoint(path); err == nil && c.follows(events, end) != nil {
			errs = append(errs, os.Remove(path))
		}
	}
	return errors.Join(errs...)
}

func readCheckpoint(path string) (c Checkpoint, err error) {
	f, err := os.Open(path)
	if err != nil {
		return c, err
	}
	defer f.Close()
	head := make([]byte, len(magic))
	_, err = io.ReadFull(f, head)
	sums, known := begin(head)
	if err != nil || !known {
		return c, &Damage{Path: path, Reason: "it does not begin as a checkpoint does"}
	}
	kind, payload, err := sums.readFrame(f)
	if err == nil && kind != kindCheckpoint {
		err = fmt.Errorf("a frame of kind %d, want a checkpoint", kind)
	}
	if err == nil {
		err = codec.Unmarshal(payload, &c)
	}
	if err != nil {
		return c, &Damage{Path: path, Offset: int64(len(magic)), Reason: strings.TrimSpace(err.Error())}
	}
	return c, nil
}
