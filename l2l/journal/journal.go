// Package journal keeps a run's events on disk and reads them back. The file of events is the run: it is only appended to, and each
// event carries a checksum. A checkpoint is no more than a cache of the search's state at some event, which spares a resume the
// replay of those before.
//
// In a run's directory it owns journal/ and checkpoint/. It does not interpret events.
package journal

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/meta-optimization/l2l-mpi/l2l"
)

// Options say how often a journal goes to disk.
type Options struct {
	Sync       time.Duration // how often the file is flushed to the disk; 0 means every second
	Checkpoint time.Duration // how often a checkpoint is taken; 0 means every ten seconds. It is rarer where one takes long
}

// ErrExists is returned by Create for a directory that holds a run.
var ErrExists = errors.New("journal: the directory holds a run")

// ErrInUse is returned where another process has the journal open for writing.
var ErrInUse = errors.New("journal: another process is writing to the run")

func eventsFile(dir string) string { return filepath.Join(dir, "journal", "events") }

// Exists reports whether dir holds a run.
func Exists(dir string) bool {
	_, err := os.Stat(eventsFile(dir))
	return err == nil
}

// Journal is a run's journal open for appending. It implements l2l.Recorder, and like it is used from one goroutine. Events are encoded and
// written by a goroutine of its own.
type Journal struct {
	dir  string
	file *os.File
	opts Options

	// The writer's own.
	chain chain // at the end of what is encoded
	end   int64 // of the file: all before it are whole frames

	queue  chan item
	done   chan struct{}
	failed atomic.Pointer[error] // the first error of the writer

	nextCheckpoint time.Time
	checkpoints    int // number of the last one
}

// item is an event to write, or a request to report where the file ends once all before is flushed.
type item struct {
	event   l2l.Event
	flushed chan<- position
}

// position is a place between two frames of a file.
type position struct {
	offset int64
	sum    uint32 // of the chain there
}

// Create starts the journal of a new run in dir, which is made if it is missing. It returns ErrExists if there is one.
func Create(dir string, opts Options) (*Journal, error) {
	if err := os.MkdirAll(filepath.Join(dir, "journal"), 0o777); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(eventsFile(dir), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o666)
	if errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("%w: %s", ErrExists, dir)
	}
	if err != nil {
		return nil, err
	}
	if _, err := file.WriteString(magic); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	if err := lock(file); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	c, _ := begin([]byte(magic))
	return start(dir, file, c, int64(len(magic)), opts), nil
}

// Open opens the journal of the run in dir for appending after its last event. A torn tail is cut off; cut is its length in bytes. Any
// other damage is returned as *Damage, and what another version wrote as *VersionError. Checkpoints that are not of this journal, such as those
// of a part that was cut off, are removed.
func Open(dir string, opts Options) (j *Journal, cut int64, err error) {
	file, err := os.OpenFile(eventsFile(dir), os.O_RDWR, 0)
	if err != nil {
		return nil, 0, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, file.Close())
		}
	}()
	if err := lock(file); err != nil { // before the tail is judged: it may be one that is being written
		return nil, 0, err
	}
	end := int64(len(magic))
	c, err := beginAt(file, 0)
	if IsTorn(err) { // the magic itself: nothing was written yet
		c, _ = begin([]byte(magic))
		if _, err := file.WriteAt([]byte(magic), 0); err != nil {
			return nil, 0, err
		}
	} else if err != nil {
		return nil, 0, err
	}
	for e, err := range c.entries(file, end) {
		if IsTorn(err) {
			break
		}
		if err != nil {
			return nil, 0, err
		}
		end = e.End
	}
	size, err := file.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, 0, err
	}
	if cut = max(size-end, 0); cut > 0 {
		if err := file.Truncate(end); err != nil {
			return nil, 0, err
		}
	}
	if _, err := file.Seek(end, io.SeekStart); err != nil {
		return nil, 0, err
	}
	if err := dropCheckpoints(dir, file, end); err != nil {
		return nil, 0, err
	}
	return start(dir, file, c, end, opts), cut, nil
}

// start starts the writer, at the end of the file.
func start(dir string, file *os.File, c chain, end int64, opts Options) *Journal {
	if opts.Sync == 0 {
		opts.Sync = time.Second
	}
	if opts.Checkpoint == 0 {
		opts.Checkpoint = 10 * time.Second
	}
	j := &Journal{
		dir: dir, file: file, opts: opts, chain: c, end: end, queue: make(chan item, 1024), done: make(chan struct{}),
		nextCheckpoint: time.Now().Add(opts.Checkpoint), checkpoints: lastCheckpoint(dir),
	}
	go j.write()
	return j
}

// lock makes this process the only writer. It is released with the file. File systems without locks are trusted.
func lock(file *os.File) error {
	err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	switch {
	case errors.Is(err, syscall.EWOULDBLOCK):
		return fmt.Errorf("%w: %s", ErrInUse, filepath.Dir(filepath.Dir(file.Name())))
	case errors.Is(err, syscall.ENOSYS), errors.Is(err, syscall.ENOTSUP), errors.Is(err, syscall.ENOLCK):
		return nil
	}
	return err
}

// write is the writer: it writes what is queued in as few calls as possible, and flushes to disk by interval. After its first error it writes
// nothing more: what is in the file then are whole frames, and they are what a resumed run goes on from.
func (j *Journal) write() {
	defer close(j.done)
	var buf []byte
	synced, dirty := time.Now(), false
	tick := time.NewTicker(j.opts.Sync)
	defer tick.Stop()
	fail := func(err error) {
		if err != nil {
			j.failed.CompareAndSwap(nil, &err)
		}
	}
	flush := func() {
		if len(buf) == 0 || j.failed.Load() != nil {
			return
		}
		n, err := j.file.Write(buf)
		if err != nil && n > 0 {
			err = errors.Join(err, j.file.Truncate(j.end)) // a resume would cut the part of a frame off, too
		}
		if err == nil {
			j.end += int64(n)
		}
		fail(err)
		buf, dirty = buf[:0], true
	}
	sync := func() {
		flush()
		if dirty && j.failed.Load() == nil {
			fail(j.file.Sync()) // which is not tried again: the system may have dropped what it could not write
			synced, dirty = time.Now(), false
		}
	}
	for {
		var it item
		var open bool
		select {
		case it, open = <-j.queue:
			if !open {
				sync()
				return
			}
		case <-tick.C:
			sync()
			continue
		}
		if it.flushed != nil {
			sync()
			it.flushed <- position{j.end, j.chain.sum}
			continue
		}
		if j.failed.Load() != nil {
			continue
		}
		var err error
		buf, err = j.chain.encode(buf, it.event)
		fail(err)
		if len(j.queue) == 0 || len(buf) > 1<<20 {
			flush()
		}
		if time.Since(synced) > j.opts.Sync {
			sync()
		}
	}
}

// err is the writer's first error.
func (j *Journal) err() error {
	if p := j.failed.Load(); p != nil {
		return fmt.Errorf("journal: %s: %w", eventsFile(j.dir), *p)
	}
	return nil
}

// Record implements l2l.Recorder. The event reaches the operating system soon, and the disk within Options.Sync.
func (j *Journal) Record(e l2l.Event) error {
	if err := j.err(); err != nil {
		return err
	}
	j.queue <- item{event: e}
	return nil
}

// Sync returns when everything recorded is on disk, with the size of the file.
func (j *Journal) Sync() (int64, error) {
	at, err := j.sync()
	return at.offset, err
}

func (j *Journal) sync() (position, error) {
	flushed := make(chan position, 1)
	j.queue <- item{flushed: flushed}
	return <-flushed, j.err()
}

// Close flushes everything to disk and closes the journal.
func (j *Journal) Close() error {
	close(j.queue)
	<-j.done
	return errors.Join(j.err(), j.file.Close())
}
