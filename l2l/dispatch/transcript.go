package dispatch

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/optimizee"
)

// Transcript takes in what the program of a slot prints, if its optimizee is an optimizee.Printer. It is used from several goroutines at a time.
type Transcript interface {
	// Begin says that what is printed from now on is of these evaluations, of which there is at least one.
	Begin(es []l2l.Evaluation)
	Stdout() io.Writer
	Stderr() io.Writer
	Close() error
}

// transcript is that of the slot with an index, for an optimizee that has one; otherwise nil. A slot that takes another's place has the same.
func (p *pool) transcript(index int, o optimizee.Optimizee) Transcript {
	printer, ok := o.(optimizee.Printer)
	if !ok || p.opts.Transcript == nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.transcripts[index] == nil {
		p.transcripts[index] = p.opts.Transcript(index)
	}
	t := p.transcripts[index]
	printer.PrintTo(t.Stdout(), t.Stderr())
	return t
}

// transcriptFile is a Transcript in a file. It holds whole lines of both streams, in the order in
// which they came, under a line that names the evaluation. A file that is half as long as allowed is kept under a name with ".1", in the place of the
// one before it, and another is begun. A log that cannot be written is no reason to end a run.
type transcriptFile struct {
	path  string
	limit int64 // bytes, of both files

	mu     sync.Mutex
	file   *os.File // nil until it is needed
	size   int64
	title  string // of what is evaluated
	titled bool   // the title is in the file
	broken bool   // it cannot be written
	out    *lines
	err    *lines
}

// NewTranscript makes a transcript in a file, of which the last bytes are kept, at most limit of them, half in this file and half in the one before
// it, path.1. The file is made when something is printed.
func NewTranscript(path string, limit int64) Transcript {
	l := &transcriptFile{path: path, limit: limit, title: "before the first evaluation"}
	l.out, l.err = &lines{log: l}, &lines{log: l}
	return l
}

// Stdout implements Transcript.
func (l *transcriptFile) Stdout() io.Writer { return l.out }

// Stderr implements Transcript.
func (l *transcriptFile) Stderr() io.Writer { return l.err }

// Begin implements Transcript.
func (l *transcriptFile) Begin(es []l2l.Evaluation) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.flush()
	e := es[0]
	l.title = fmt.Sprintf("individual %d, instance %d, replicate %d, attempt %d, seed %d", e.Individual, e.Instance, e.Replicate, e.Attempt, e.Seed)
	if more := len(es) - 1; more > 0 {
		l.title += fmt.Sprintf(", and %d more", more)
	}
	l.titled = false
}

// Close implements Transcript.
func (l *transcriptFile) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.flush()
	l.broken = true // what comes now comes too late
	if l.file == nil {
		return nil
	}
	return l.file.Close()
}

// flush writes lines that have no end. l.mu is held.
func (l *transcriptFile) flush() {
	for _, s := range []*lines{l.out, l.err} {
		if len(s.rest) > 0 {
			l.write(append(s.rest, '\n'))
			s.rest = s.rest[:0]
		}
	}
}

// write writes whole lines. l.mu is held.
func (l *transcriptFile) write(text []byte) {
	half := max(l.limit/2, 1)
	for len(text) > 0 && !l.broken {
		if l.size >= half {
			l.rotate()
		}
		if err := l.open(); err != nil {
			l.broken = true
			return
		}
		var head []byte
		if !l.titled {
			head = fmt.Appendf(nil, "=== %s  %s\n", time.Now().Format(time.DateTime), l.title)
			l.titled = true
		}
		part := text
		if room := half - l.size - int64(len(head)); int64(len(part)) > max(room, 1) {
			part = part[:max(room, 1)]
			switch at := bytes.LastIndexByte(part, '\n'); {
			case at >= 0:
				part = part[:at+1]
			case l.size > 0: // a line that would be cut begins the next file
				l.rotate()
				continue
			}
		}
		text = text[len(part):]
		n, err := l.file.Write(append(head, part...))
		l.size += int64(n)
		l.broken = err != nil
	}
}

func (l *transcriptFile) open() (err error) {
	if l.file != nil {
		return nil
	}
	l.file, err = os.OpenFile(l.path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o666)
	if err != nil {
		return err
	}
	info, err := l.file.Stat()
	if err != nil {
		return err
	}
	l.size = info.Size() // of an earlier session
	return nil
}

func (l *transcriptFile) rotate() {
	if l.file != nil {
		l.broken = errors.Join(l.file.Close(), os.Rename(l.path, l.path+".1")) != nil
	}
	l.file, l.size, l.titled = nil, 0, false
}

// lines is a stream of a transcriptFile. It holds the beginning of a line back until the line ends, so that lines of the two streams do not mix.
type lines struct {
	log  *transcriptFile
	rest []byte
}

// longestLine is the length of a line from which on it is not held back.
const longestLine = 16 << 10

func (s *lines) Write(p []byte) (int, error) {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	s.rest = append(s.rest, p...)
	end := bytes.LastIndexByte(s.rest, '\n') + 1
	if len(s.rest)-end > longestLine {
		end = len(s.rest)
	}
	if end > 0 {
		s.log.write(s.rest[:end])
		s.rest = append(s.rest[:0], s.rest[end:]...)
	}
	return len(p), nil
}

// Live is a transcript for somebody who watches.
func Live(stdout, stderr io.Writer) Transcript { return live{stdout, stderr} }

type live struct{ stdout, stderr io.Writer }

func (l live) Begin([]l2l.Evaluation) {}
func (l live) Stdout() io.Writer      { return l.stdout }
func (l live) Stderr() io.Writer      { return l.stderr }
func (l live) Close() error           { return nil }
