package journal

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
)

// ErrReplaced is returned by a Follower where the journal is not the one any more that it has read from: the directory was deleted and has another
// run now, or a machine died and has lost what it had not written to its disk.
var ErrReplaced = errors.New("journal: it is another one than before")

// Follower reads the events of a run as they are written, each once. It opens the file anew for each reading, since file systems of a network
// look only then at what other hosts have written. It locks nothing and writes nothing.
type Follower struct {
	dir string
	at  position // after the last event that was read
}

// Follow returns a Follower that begins with the first event of the run in dir.
func Follow(dir string) *Follower { return &Follower{dir: dir} }

// Offset is where in the file the next event begins.
func (f *Follower) Offset() int64 { return f.at.offset }

// Events are those that have been written since the last call, or, where that was not read to its end, since its last event. As with Read, the last
// error may be a *Damage: one that is torn is an event of which a part is written; another one may be so, too, where the file is on another
// host, and is damage only if it stays. ErrReplaced comes instead of any event.
func (f *Follower) Events() iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		file, err := system{}.Open(eventsFile(f.dir), os.O_RDONLY, 0)
		if err != nil {
			yield(Entry{}, err)
			return
		}
		defer file.Close()
		if err := f.same(file); err != nil {
			yield(Entry{}, err)
			return
		}
		chain, err := beginAt(file, f.at.offset)
		if err != nil {
			yield(Entry{}, err)
			return
		}
		for e, err := range chain.entries(file, max(f.at.offset, int64(len(magic)))) {
			if err == nil {
				f.at = position{e.End, chain.sum}
			}
			if !yield(e, err) {
				return
			}
		}
	}
}

// same returns ErrReplaced unless the file is still the one that was read.
func (f *Follower) same(file file) error {
	if f.at.offset == 0 {
		return nil
	}
	size, err := file.Seek(0, io.SeekEnd)
	if err == nil && size < f.at.offset {
		err = fmt.Errorf("%w: %s is shorter", ErrReplaced, file.Name())
	}
	var sum uint32
	if err == nil {
		sum, err = sumBefore(file, f.at.offset)
	}
	if err == nil && sum != f.at.sum {
		err = fmt.Errorf("%w: %s", ErrReplaced, file.Name())
	}
	if err == nil {
		_, err = file.Seek(0, io.SeekStart)
	}
	return err
}
