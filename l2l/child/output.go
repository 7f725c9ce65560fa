package child

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// stream is the standard output or error of a child. It is always drained, so that no child waits for us, and of what was printed since
// the last reset the beginning and the end are kept.
type stream struct {
	r    *os.File
	conn syscall.RawConn
	done chan struct{} // closed when nothing more can come

	mu  sync.Mutex
	buf []byte
	log excerpt

	copy io.Writer // of what is printed; nil: there is none
}

// newStream drains r, which it owns.
func newStream(r *os.File, limit int, copy io.Writer) (*stream, error) {
	conn, err := r.SyscallConn()
	if err != nil {
		return nil, err
	}
	s := &stream{r: r, conn: conn, done: make(chan struct{}), buf: make([]byte, 32<<10), log: excerpt{half: limit / 2}, copy: copy}
	go s.drain()
	return s, nil
}

// drain reads until the end, or the read deadline of r.
func (s *stream) drain() {
	defer close(s.done)
	defer s.r.Close() // a pipe's read end has nothing to say
	for {
		more := false
		err := s.conn.Read(func(fd uintptr) bool {
			n, err := s.read(fd)
			more = n > 0 || err == unix.EINTR
			return err != unix.EAGAIN // then wait until there is something
		})
		if err != nil || !more {
			return
		}
	}
}

// read takes in what is in the pipe, up to a buffer's length.
func (s *stream) read(fd uintptr) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n, err := unix.Read(int(fd), s.buf)
	if n > 0 {
		s.log.add(s.buf[:n])
		if s.copy != nil {
			_, _ = s.copy.Write(s.buf[:n]) // whoever watches sees to it
		}
	}
	return n, err
}

// settle takes in what the child has printed until now, so that it is not taken for something that it prints later.
func (s *stream) settle() {
	const most = 64                       // a child that never stops printing must not keep us here
	_ = s.conn.Control(func(fd uintptr) { // an error means that the stream has ended
		for range most {
			if n, _ := s.read(fd); n <= 0 {
				return
			}
		}
	})
}

// reset forgets what was printed until now.
func (s *stream) reset() {
	s.settle()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log.reset()
}

// text is what was printed since the last reset.
func (s *stream) text() []byte {
	s.settle()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.text()
}

// excerpt keeps the beginning and the end of a text.
type excerpt struct {
	half       int // bytes kept of each
	head, tail []byte
	total      int64
}

func (e *excerpt) add(p []byte) {
	e.total += int64(len(p))
	if room := e.half - len(e.head); room > 0 {
		n := min(room, len(p))
		e.head = append(e.head, p[:n]...)
		p = p[n:]
	}
	if len(p) > e.half {
		p = p[len(p)-e.half:]
	}
	if len(e.tail)+len(p) > 2*e.half { // seldom, so that a byte is moved once on average
		e.tail = append(e.tail[:0], e.tail[len(e.tail)-e.half:]...)
	}
	e.tail = append(e.tail, p...)
}

func (e *excerpt) reset() { e.head, e.tail, e.total = e.head[:0], e.tail[:0], 0 }

func (e *excerpt) text() []byte {
	tail := e.tail[max(0, len(e.tail)-e.half):]
	text := bytes.Clone(e.head)
	if missing := e.total - int64(len(e.head)+len(tail)); missing > 0 {
		text = fmt.Appendf(text, "\n… %d bytes are left out here …\n", missing)
	}
	return append(text, tail...)
}
