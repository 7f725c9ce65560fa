package journal

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"

	"github.com/meta-optimization/l2l-mpi/l2l"
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

// Entry is an event and where the frame after it begins.
type Entry struct {
	Event l2l.Event
	End   int64
}

// Read reads the events of the run in directory dir from byte offset from on, 0 being the beginning; other offsets are those of an Entry's
// End or a checkpoint. The run may be going on. The last error, if any, is a *Damage or that of the file system.
func Read(dir string, from int64) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		path := eventsFile(dir)
		f, err := os.Open(path)
		if err != nil {
			yield(Entry{}, err)
			return
		}
		defer f.Close()
		if from == 0 {
			head := make([]byte, len(magic))
			if _, err := io.ReadFull(f, head); err != nil || string(head) != magic {
				yield(Entry{}, &Damage{Path: path, Torn: err != nil, Reason: "it does not begin as a journal does"})
				return
			}
			from = int64(len(magic))
		} else if _, err := f.Seek(from, io.SeekStart); err != nil {
			yield(Entry{}, err)
			return
		}
		r := bufio.NewReaderSize(f, 1<<20)
		for {
			kind, payload, err := readFrame(r)
			if err == io.EOF {
				return
			}
			var e l2l.Event
			if err == nil {
				e, err = decode(kind, payload)
			}
			if err != nil {
				yield(Entry{}, &Damage{Path: path, Offset: from, Torn: errors.Is(err, errTorn), Reason: err.Error()})
				return
			}
			from += headerSize + int64(len(payload)) + crcSize
			if !yield(Entry{e, from}, nil) {
				return
			}
		}
	}
}
