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
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/meta-optimization/l2l-mpi/l2l"
)

// Options say how often a journal goes to disk.
type Options struct {
	Sync       time.Duration // how often the file is flushed to the disk; 0 means every second
	Checkpoint time.Duration // how often a checkpoint is taken; 0 means every ten seconds. It is rarer where one takes long
	// Full is called, from any goroutine, when the disk or the quota is full, and again each second until there is room; meanwhile Record waits, and
	// no checkpoint is taken. Without it a full disk is an error like others, which ends the run.
	Full func(error)
	// Seen is called by Open with each event that the journal holds, in their order; nil: nobody wants to see them.
	Seen func(l2l.Event)
}

// ErrExists is returned by Create for a directory that holds a run.
var ErrExists = errors.New("journal: the directory holds a run")

// ErrInUse is returned where another process has the journal open for writing.
var ErrInUse = errors.New("journal: another process is writing to the run")

func journalDir(dir string) string { return filepath.Join(dir, "journal") }
func eventsFile(dir string) string { return filepath.Join(journalDir(dir), "events") }

// Exists reports whether dir holds a run.
func Exists(dir string) bool {
	_, err := os.Stat(eventsFile(dir))
	return err == nil
}

// Journal is a run's journal open for appending. It implements l2l.Recorder, and like it is used from one goroutine. Events are encoded and
// written by a goroutine of its own.
type Journal struct {
	disk fileSystem
	dir  string
	file file
	opts Options

	// The writer's own.
	chain chain // at the end of what is encoded
	end   int64 // of the file: all before it are whole frames

	queue   queue
	closing chan struct{}
	done    chan struct{}
	failed  atomic.Pointer[error] // the first error of the writer

	nextCheckpoint time.Time
	checkpoints    int // number of the last one
}

// queue is what is recorded and not yet written. The writer takes all of it at a time, and lets more come together before it takes the next: to wake it
// for each event would cost more than to write it.
type queue struct {
	mu     sync.Mutex
	room   sync.Cond // the writer has taken what there was
	items  []item
	closed bool
	come   chan struct{} // holds one: there is something
	hurry  chan struct{} // holds one: there is so much, or somebody waits, that the writer is to take it now
}

// How many events the queue holds at most, and how long the writer lets them come together.
const (
	mostQueued = 1024
	gathering  = time.Millisecond
)

func (q *queue) put(it item) {
	q.mu.Lock()
	for len(q.items) >= mostQueued {
		q.room.Wait()
	}
	q.items = append(q.items, it)
	n := len(q.items)
	q.mu.Unlock()
	if n == 1 {
		ring(q.come)
	}
	if n == mostQueued/2 || it.flushed != nil {
		ring(q.hurry)
	}
}

// close has the writer end once it has taken what there is.
func (q *queue) close() {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	ring(q.come)
	ring(q.hurry)
}

// take takes what there is, and gives the queue the memory of items, which the writer is done with. open is false once nothing more can come.
func (q *queue) take(items []item) (taken []item, open bool) {
	clear(items)
	q.mu.Lock()
	defer q.mu.Unlock()
	taken, q.items = q.items, items[:0]
	q.room.Broadcast()
	return taken, !q.closed
}

// ring tells whoever receives from bell, now or later.
func ring(bell chan struct{}) {
	select {
	case bell <- struct{}{}:
	default:
	}
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
func Create(dir string, opts Options) (*Journal, error) { return create(system{}, dir, opts) }

func create(disk fileSystem, dir string, opts Options) (_ *Journal, err error) {
	if err := disk.MkdirAll(journalDir(dir), 0o777); err != nil {
		return nil, err
	}
	file, err := disk.Open(eventsFile(dir), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o666)
	if errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("%w: %s", ErrExists, dir)
	}
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, file.Close())
		}
	}()
	if err := lock(file, dir); err != nil { // a resume may have been faster
		return nil, err
	}
	if size, err := file.Seek(0, io.SeekEnd); err != nil {
		return nil, err
	} else if size > 0 { // and so fast that it is at its end, and has left the lock
		return nil, fmt.Errorf("%w: %s", ErrExists, dir)
	}
	if _, err := file.Write([]byte(magic)); err != nil {
		return nil, err
	}
	if err := errors.Join(file.Sync(), disk.SyncDir(journalDir(dir)), disk.SyncDir(dir)); err != nil {
		return nil, err
	}
	c, _ := begin([]byte(magic))
	return start(disk, dir, file, c, int64(len(magic)), opts), nil
}

func lock(f file, dir string) error {
	if err := f.Lock(); err != nil {
		return fmt.Errorf("%w: %s", err, dir)
	}
	return nil
}

// Open opens the journal of the run in dir for appending after its last event. A torn tail is cut off; cut is its length in bytes. Any
// other damage is returned as *Damage, and what another version wrote as *VersionError. Checkpoints that are not of this journal, such as those
// of a part that was cut off, are removed, and so is what a killed process had begun to write by WriteFile in dir.
func Open(dir string, opts Options) (j *Journal, cut int64, err error) {
	return open(system{}, dir, opts)
}

func open(disk fileSystem, dir string, opts Options) (_ *Journal, cut int64, err error) {
	file, err := disk.Open(eventsFile(dir), os.O_RDWR, 0)
	if err != nil {
		return nil, 0, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, file.Close())
		}
	}()
	if err := lock(file, dir); err != nil { // before the tail is judged: it may be one that is being written
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
		if opts.Seen != nil {
			opts.Seen(e.Event)
		}
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
	if err := file.Sync(); err != nil { // before anything is taken for what the disk holds
		return nil, 0, err
	}
	if err := errors.Join(sweep(disk, dir), sweep(disk, checkpointDir(dir)), dropCheckpoints(disk, dir, file, end)); err != nil {
		return nil, 0, err
	}
	return start(disk, dir, file, c, end, opts), cut, nil
}

// start starts the writer, at the end of the file.
func start(disk fileSystem, dir string, file file, c chain, end int64, opts Options) *Journal {
	if opts.Sync == 0 {
		opts.Sync = time.Second
	}
	if opts.Checkpoint == 0 {
		opts.Checkpoint = 10 * time.Second
	}
	j := &Journal{
		disk: disk, dir: dir, file: file, opts: opts, chain: c, end: end,
		queue: queue{come: make(chan struct{}, 1), hurry: make(chan struct{}, 1)}, closing: make(chan struct{}), done: make(chan struct{}),
		nextCheckpoint: time.Now().Add(opts.Checkpoint), checkpoints: lastCheckpoint(disk, dir),
	}
	j.queue.room.L = &j.queue.mu
	go j.write()
	return j
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
		if len(buf) > 0 && j.failed.Load() == nil {
			fail(j.append(buf))
			buf, dirty = buf[:0], true
		}
	}
	sync := func() {
		flush()
		if dirty && j.failed.Load() == nil {
			fail(j.file.Sync()) // which is not tried again: the system may have dropped what it could not write
			if err := j.file.Linked(); err != nil {
				fail(fmt.Errorf("the run's directory was deleted, moved or replaced while the run went on: %w", err))
			}
			synced, dirty = time.Now(), false
		}
	}
	gather := time.NewTimer(gathering)
	defer gather.Stop()
	each := j.opts.Sync < gathering // event is to be written by itself
	var items []item
	for {
		select {
		case <-j.queue.come:
		case <-tick.C:
			sync()
			continue
		}
		gather.Reset(min(gathering, j.opts.Sync))
		select {
		case <-gather.C:
		case <-j.queue.hurry:
		}
		var open bool
		items, open = j.queue.take(items)
		for _, it := range items {
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
			if len(buf) > 1<<20 || each {
				flush()
			}
			if each && time.Since(synced) > j.opts.Sync {
				sync()
			}
		}
		flush()
		if time.Since(synced) > j.opts.Sync {
			sync()
		}
		if !open {
			sync()
			return
		}
	}
}

// append writes whole frames at the end of the file. After an error the file ends as before, or cannot even be cut.
func (j *Journal) append(frames []byte) error {
	for {
		n, err := j.file.Write(frames)
		if err == nil {
			j.end += int64(n)
			return nil
		}
		// A part of them may be there. A resume would cut it off, too, but what comes next must not come after it.
		_, err2 := j.file.Seek(j.end, io.SeekStart)
		if err := errors.Join(err, j.file.Truncate(j.end), err2); j.opts.Full == nil || !isFull(err) {
			return err
		}
		j.opts.Full(err)
		select {
		case <-j.closing:
			return err
		case <-time.After(time.Second):
		}
	}
}

// isFull reports whether err says nothing but that there is no room for more.
func isFull(err error) bool {
	if all, ok := err.(interface{ Unwrap() []error }); ok {
		return !slices.ContainsFunc(all.Unwrap(), func(e error) bool { return !isFull(e) })
	}
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
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
	j.queue.put(item{event: e})
	return nil
}

// Sync returns when everything recorded is on disk, with the size of the file.
func (j *Journal) Sync() (int64, error) {
	at, err := j.sync()
	return at.offset, err
}

func (j *Journal) sync() (position, error) {
	flushed := make(chan position, 1)
	j.queue.put(item{flushed: flushed})
	return <-flushed, j.err()
}

// Close flushes everything to disk and closes the journal.
func (j *Journal) Close() error {
	close(j.closing)
	j.queue.close()
	<-j.done
	return errors.Join(j.err(), j.file.Close())
}
