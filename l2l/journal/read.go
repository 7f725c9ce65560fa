package journal

import (
	"bufio"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/l2l/codec"
)

// Damage says that a file is not what was written, and where. What comes after the damage is not guessed at.
type Damage struct {
	Path   string
	Offset int64 // of the frame that is damaged
	Torn   bool  // the file ends within the frame: the writer was stopped, or is at work at this moment
	Reason string
}

func (d *Damage) Error() string {
	return fmt.Sprintf("journal: %s: at byte %d: %s", d.Path, d.Offset, d.Reason)
}

// IsTorn reports whether err is a Damage of the kind that a stopped writer leaves: everything before it is whole.
func IsTorn(err error) bool {
	var d *Damage
	return errors.As(err, &d) && d.Torn
}

// ErrVersion is what a VersionError is.
var ErrVersion = errors.New("journal: written by another version of the program")

// VersionError says that a frame has its checksum and yet cannot be understood: another version of the program wrote it. Nothing is wrong with
// the file.
type VersionError struct {
	Path    string
	Offset  int64  // of the frame
	Version string // that wrote it; "" where that is not known
	Reason  error
}

func (e *VersionError) Error() string {
	return fmt.Sprintf("journal: %s: at byte %d: written by another version of this program, %s, which can read it: %v",
		e.Path, e.Offset, cmp.Or(e.Version, "one that is not known"), e.Reason)
}

// Is reports that the error is ErrVersion.
func (e *VersionError) Is(target error) bool { return target == ErrVersion }

func (e *VersionError) Unwrap() error { return e.Reason }

// Entry is an event and where the frame after it begins.
type Entry struct {
	Event l2l.Event
	End   int64
}

// Read reads the events of the run in directory dir from byte offset from on, 0 being the beginning; other offsets are those of an Entry's
// End or a checkpoint. The run may be going on. The last error, if any, is a *Damage, a *VersionError or that of the file system.
func Read(dir string, from int64) iter.Seq2[Entry, error] { return read(system{}, dir, from) }

func read(disk fileSystem, dir string, from int64) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		f, err := disk.Open(eventsFile(dir), os.O_RDONLY, 0)
		if err != nil {
			yield(Entry{}, err)
			return
		}
		defer f.Close()
		c, err := beginAt(f, from)
		if err != nil {
			yield(Entry{}, err)
			return
		}
		for e, err := range c.entries(f, max(from, int64(len(magic)))) {
			if v := (*VersionError)(nil); errors.As(err, &v) && v.Version == "" && from > 0 {
				v.Version = writer(disk, dir, from)
			}
			if !yield(e, err) {
				return
			}
		}
	}
}

// beginAt leaves f at byte offset from, 0 being that after the magic, and returns the chain there.
func beginAt(f file, from int64) (c chain, err error) {
	head := make([]byte, len(magic))
	if _, err := io.ReadFull(f, head); err != nil {
		return c, &Damage{Path: f.Name(), Torn: true, Reason: "it does not begin as a journal does"}
	}
	c, ok := begin(head)
	if !ok {
		nothing := string(head) == string(make([]byte, len(magic))) && zeros(f) // the machine died before the file had its content
		return c, &Damage{Path: f.Name(), Torn: nothing, Reason: "it does not begin as a journal does"}
	}
	if from > int64(len(magic)) {
		if c.sum, err = sumBefore(f, from); err != nil {
			return c, err
		}
		_, err = f.Seek(from, io.SeekStart)
	}
	return c, err
}

// sumBefore is the checksum at the end of the frame that ends at byte offset end.
func sumBefore(f io.ReaderAt, end int64) (uint32, error) {
	var sum [crcSize]byte
	_, err := f.ReadAt(sum[:], end-crcSize)
	return binary.LittleEndian.Uint32(sum[:]), err
}

// entries reads the events of f from its present offset on, which is from. The chain is that of all frames read, whatever follows.
func (c *chain) entries(f file, from int64) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		r := bufio.NewReaderSize(f, 1<<20)
		version := ""
		for {
			before := *c
			kind, payload, err := c.readFrame(r)
			if err == io.EOF {
				return
			}
			if err != nil {
				*c = before
				yield(Entry{}, &Damage{Path: f.Name(), Offset: from, Torn: errors.Is(err, errTorn), Reason: err.Error()})
				return
			}
			end := from + headerSize + int64(len(payload)) + crcSize
			e, err := decode(kind, payload)
			switch {
			case errors.Is(err, errPass):
			case err != nil:
				yield(Entry{}, &VersionError{Path: f.Name(), Offset: from, Version: cmp.Or(versionIn(kind, payload), version), Reason: err})
				return
			case !yield(Entry{e, end}, nil):
				return
			}
			if begun, ok := e.(l2l.Begun); ok {
				version = begun.Version
			}
			from = end
		}
	}
}

// versionIn is the version that a Begun names, which may be all of it that can be read.
func versionIn(kind byte, payload []byte) string {
	var begun struct{ Version string }
	if kind == kindBegun || kind == kindBegun1 {
		_ = codec.Unmarshal(payload, &begun) // without it the version is not known
	}
	return begun.Version
}

// writer is the version that wrote the journal before byte offset end.
func writer(disk fileSystem, dir string, end int64) (version string) {
	for e, err := range read(disk, dir, 0) {
		if err != nil || e.End > end {
			break
		}
		if begun, ok := e.Event.(l2l.Begun); ok {
			version = begun.Version
		}
	}
	return version
}
