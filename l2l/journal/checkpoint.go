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
func checkpointFiles(disk fileSystem, dir string) (files []string) {
	names, _ := disk.Names(checkpointDir(dir)) // no directory, no files
	for _, name := range names {
		if strings.HasSuffix(name, ".ckpt") {
			files = append(files, filepath.Join(checkpointDir(dir), name))
		}
	}
	return files
}

// lastCheckpoint is the number of the newest checkpoint, 0 if there is none.
func lastCheckpoint(disk fileSystem, dir string) (n int) {
	if files := checkpointFiles(disk, dir); len(files) > 0 {
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
	if err := j.keep(frame); j.opts.Full == nil || !isFull(err) {
		return err
	}
	j.opts.Full(err) // there will be another one
	return nil
}

// keep writes a checkpoint, and removes those that are too many.
func (j *Journal) keep(frame []byte) error {
	if j.checkpoints == 0 {
		if err := errors.Join(j.disk.MkdirAll(checkpointDir(j.dir), 0o777), j.disk.SyncDir(j.dir)); err != nil {
			return err
		}
	}
	j.checkpoints++
	if err := writeFile(j.disk, filepath.Join(checkpointDir(j.dir), fmt.Sprintf("%09d.ckpt", j.checkpoints)), frame); err != nil {
		return err
	}
	files := checkpointFiles(j.disk, j.dir)
	var errs []error
	for _, old := range files[:max(0, len(files)-kept)] {
		errs = append(errs, j.disk.Remove(old))
	}
	return errors.Join(errs...)
}

// LatestCheckpoint returns the newest whole checkpoint of the run in dir that is of its journal; ok is false where there is none. Checkpoints that
// cannot be used are named in passed.
func LatestCheckpoint(dir string) (c Checkpoint, ok bool, passed []error) {
	return latestCheckpoint(system{}, dir)
}

func latestCheckpoint(disk fileSystem, dir string) (c Checkpoint, ok bool, passed []error) {
	events, err := disk.Open(eventsFile(dir), os.O_RDONLY, 0)
	if err != nil {
		return c, false, []error{err}
	}
	defer events.Close()
	end, err := events.Seek(0, io.SeekEnd)
	if err != nil {
		return c, false, []error{err}
	}
	for _, path := range slices.Backward(checkpointFiles(disk, dir)) {
		c, err := readCheckpoint(disk, path)
		if err == nil {
			if err = c.follows(events, end); err != nil {
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
func dropCheckpoints(disk fileSystem, dir string, events io.ReaderAt, end int64) error {
	var errs []error
	for _, path := range checkpointFiles(disk, dir) {
		if c, err := readCheckpoint(disk, path); err == nil && c.follows(events, end) != nil {
			errs = append(errs, disk.Remove(path))
		}
	}
	return errors.Join(errs...)
}

func readCheckpoint(disk fileSystem, path string) (c Checkpoint, err error) {
	f, err := disk.Open(path, os.O_RDONLY, 0)
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
