package journal

import (
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// disk is a file system in memory, of which an operation can fail, and of which the power can be cut. Then all that was not synced is lost, or a
// part of it: files have the content of their last Sync and any part of what was written since, with zeros for what is missing; and what was
// created, renamed or removed since the last SyncDir may have happened or not.
type disk struct {
	mu    sync.Mutex
	names map[string]*content // as programs see them
	safe  map[string]*content // as they are on the disk; nil is a name that was removed

	operations int
	failAt     int   // the operation that fails, from 1 on; 0: none
	failure    error // with which it does; errPower cuts the power
	off        bool
}

// errPower is what every operation returns when the power is cut.
var errPower = errors.New("the power is cut")

// content is what is in a file.
type content struct {
	now, safe []byte
	locked    bool
}

func newDisk() *disk { return &disk{names: map[string]*content{}, safe: map[string]*content{}} }

// operation counts an operation, and says how it fails.
func (d *disk) operation() error {
	d.operations++
	if d.operations == d.failAt {
		if d.off = d.failure == errPower; !d.off {
			return d.failure
		}
	}
	if d.off {
		return errPower
	}
	return nil
}

// restarted is the disk after the power has come back.
func (d *disk) restarted(rng *rand.Rand) *disk {
	d.mu.Lock()
	defer d.mu.Unlock()
	again := newDisk()
	for name := range d.everyName() {
		c := d.safe[name]
		if now, ok := d.names[name]; rng.IntN(2) == 0 {
			if c = now; !ok {
				c = nil
			}
		}
		if c == nil {
			continue
		}
		survived := c.survivor(rng)
		again.names[name], again.safe[name] = &content{now: survived, safe: slices.Clone(survived)}, nil
		again.safe[name] = again.names[name]
	}
	return again
}

func (d *disk) everyName() map[string]bool {
	all := map[string]bool{}
	for name := range d.names {
		all[name] = true
	}
	for name := range d.safe {
		all[name] = true
	}
	return all
}

// survivor is what may be left of a file.
func (c *content) survivor(rng *rand.Rand) []byte {
	if len(c.now) < len(c.safe) { // it was cut
		return slices.Clone([][]byte{c.now, c.safe}[rng.IntN(2)])
	}
	fresh := len(c.now) - len(c.safe)
	size := len(c.safe) + rng.IntN(fresh+1)
	left := make([]byte, size)
	copy(left, c.safe)
	written := len(c.safe) + rng.IntN(size-len(c.safe)+1) // after that the file system knew the size, and not the content
	copy(left[len(c.safe):written], c.now[len(c.safe):written])
	return left
}

func (d *disk) Open(name string, flag int, _ fs.FileMode) (file, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.operation(); err != nil {
		return nil, err
	}
	c := d.names[name]
	switch {
	case c == nil && flag&os.O_CREATE == 0:
		return nil, fs.ErrNotExist
	case c != nil && flag&os.O_EXCL != 0:
		return nil, fs.ErrExist
	case c == nil:
		c = &content{}
		d.names[name] = c
	case flag&os.O_TRUNC != 0:
		c.now = nil
	}
	return &handle{disk: d, name: name, content: c}, nil
}

func (d *disk) MkdirAll(string, fs.FileMode) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.operation() // directories are there where there is a file
}

func (d *disk) Names(dir string) (names []string, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.operation(); err != nil {
		return nil, err
	}
	for name := range d.names {
		if filepath.Dir(name) == dir {
			names = append(names, filepath.Base(name))
		}
	}
	slices.Sort(names)
	return names, nil
}

func (d *disk) Rename(from, to string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.operation(); err != nil {
		return err
	}
	d.names[to] = d.names[from]
	delete(d.names, from)
	return nil
}

func (d *disk) Remove(name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.operation(); err != nil {
		return err
	}
	delete(d.names, name)
	return nil
}

func (d *disk) SyncDir(dir string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.operation(); err != nil {
		return err
	}
	for name := range d.everyName() {
		if strings.HasPrefix(name, dir+"/") {
			if d.safe[name] = d.names[name]; d.safe[name] == nil {
				delete(d.safe, name)
			}
		}
	}
	return nil
}

// handle is an open file.
type handle struct {
	disk    *disk
	name    string
	content *content
	at      int64
	locked  bool
}

func (h *handle) Name() string { return h.name }

func (h *handle) begin() (end func(), err error) {
	h.disk.mu.Lock()
	return h.disk.mu.Unlock, h.disk.operation()
}

func (h *handle) Read(b []byte) (int, error) {
	n, err := h.ReadAt(b, h.at)
	if h.at += int64(n); n > 0 {
		err = nil
	}
	return n, err
}

func (h *handle) ReadAt(b []byte, at int64) (int, error) {
	h.disk.mu.Lock()
	defer h.disk.mu.Unlock()
	if h.disk.off {
		return 0, errPower
	}
	if at >= int64(len(h.content.now)) {
		return 0, io.EOF
	}
	n := copy(b, h.content.now[at:])
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

func (h *handle) Write(b []byte) (int, error) {
	n, err := h.WriteAt(b, h.at)
	h.at += int64(n)
	return n, err
}

// WriteAt writes half of b where it fails.
func (h *handle) WriteAt(b []byte, at int64) (int, error) {
	end, err := h.begin()
	defer end()
	if err != nil {
		b = b[:len(b)/2]
	}
	if size := int(at) + len(b); size > len(h.content.now) {
		h.content.now = append(h.content.now, make([]byte, size-len(h.content.now))...)
	}
	return copy(h.content.now[at:], b), err
}

func (h *handle) Seek(offset int64, whence int) (int64, error) {
	h.disk.mu.Lock()
	defer h.disk.mu.Unlock()
	switch whence {
	case io.SeekStart:
		h.at = offset
	case io.SeekCurrent:
		h.at += offset
	case io.SeekEnd:
		h.at = int64(len(h.content.now)) + offset
	}
	return h.at, nil
}

func (h *handle) Truncate(size int64) error {
	end, err := h.begin()
	defer end()
	if err == nil {
		h.content.now = append(h.content.now[:min(size, int64(len(h.content.now)))], make([]byte, max(0, size-int64(len(h.content.now))))...)
	}
	return err
}

func (h *handle) Sync() error {
	end, err := h.begin()
	defer end()
	if err == nil {
		h.content.safe = slices.Clone(h.content.now)
	}
	return err
}

func (h *handle) Linked() error {
	h.disk.mu.Lock()
	defer h.disk.mu.Unlock()
	if h.disk.names[h.name] != h.content {
		return fs.ErrNotExist
	}
	return nil
}

func (h *handle) Lock() error {
	end, err := h.begin()
	defer end()
	if err == nil && h.content.locked {
		return ErrInUse
	}
	h.content.locked, h.locked = err == nil, err == nil
	return err
}

func (h *handle) Close() error {
	h.disk.mu.Lock()
	defer h.disk.mu.Unlock()
	if h.locked {
		h.content.locked = false
	}
	return nil
}
