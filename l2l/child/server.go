package child

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Version is the newest version of the protocol between l2l-mpi and a program, which optimizee/process/PROTOCOL.md describes. Since version 2
// messages have numbers.
const Version = 2

// Server is a program that answers requests as long as it runs. It is used from one goroutine at a time. After an error of Exchange that
// is no [Unwritable] it is of no further use, and wants an [Server.Obituary].
type Server struct {
	*Process
	line     connection
	in       *bufio.Reader
	arrived  syscall.RawConn // where what it sends arrives
	encoding Encoding
	version  int    // of the protocol that it speaks
	sent     int    // messages that it was sent
	out, buf []byte // the last request and the last answer
	intro    Introduction
}

// connection is the pair of pipes, or the socket, that leads to a server.
type connection interface {
	io.ReadWriteCloser
	SetDeadline(time.Time) error
	SyscallConn() (syscall.RawConn, error) // of the end that is read
}

// pipes are a connection by one pipe in each direction.
type pipes struct{ requests, replies *os.File }

func (p pipes) Write(b []byte) (int, error) { return p.requests.Write(b) }
func (p pipes) Read(b []byte) (int, error)  { return p.replies.Read(b) }
func (p pipes) Close() error                { return errors.Join(p.requests.Close(), p.replies.Close()) }
func (p pipes) SyscallConn() (syscall.RawConn, error) {
	return p.replies.SyscallConn()
}
func (p pipes) SetDeadline(t time.Time) error {
	return errors.Join(p.requests.SetWriteDeadline(t), p.replies.SetReadDeadline(t))
}

// The environment variables that tell a server how to reach us: the descriptors of two pipes, or, behind a launcher, which does not hand
// descriptors on, the path of a Unix socket.
const (
	variableIn     = "L2L_FD_IN"
	variableOut    = "L2L_FD_OUT"
	variableSocket = "L2L_SOCKET"
)

// Introduction is how a server is started and what it is told first.
type Introduction struct {
	Launched     bool          // behind a launcher, which hands no descriptors on
	Setup        Setup         // the message after the hello
	Oldest       int           // version of the protocol that will do, at least 1
	MessageLimit int           // size of an answer, in bytes, above which it is refused
	Grace        time.Duration // from SIGTERM to SIGKILL, if it has to be ended
	Mute         string        // what may be wrong with a program that ends without a hello, for a message; "" if nothing is known
}

// Serve has the guardian start a server, and introduces the two to each other. What the program cannot say itself of its failure to start, the error says,
// with what it has printed.
func Serve(ctx context.Context, g *Guardian, c Command, intro Introduction) (_ *Server, err error) {
	s := &Server{intro: intro}
	if intro.Launched {
		err = s.startBySocket(ctx, g, c)
	} else {
		err = s.startByPipes(g, c)
	}
	if err == nil {
		go func() { // a process that it did not start may hold the connection open
			<-s.ended
			_ = s.line.SetDeadline(time.Now().Add(time.Second)) // it may have been closed
		}()
		s.in = bufio.NewReaderSize(s.line, 64<<10)
		s.arrived, err = s.line.SyscallConn()
	}
	if err == nil {
		err = s.until(ctx, func() error { return s.introduce() })
	}
	if errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("it is not ready in time: %w", err)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot start %s: %w", asTyped(c.Argv), s.Obituary(err))
	}
	return s, nil
}

// asTyped is a command as people type it.
func asTyped(argv []string) string {
	words := make([]string, len(argv))
	for i, word := range argv {
		if words[i] = word; word == "" || strings.ContainsAny(word, " \t\n\"'") {
			words[i] = strconv.Quote(word)
		}
	}
	return strings.Join(words, " ")
}

func (s *Server) startByPipes(g *Guardian, c Command) error {
	theirIn, requests, err := os.Pipe()
	if err != nil {
		return err
	}
	defer theirIn.Close()
	replies, theirOut, err := os.Pipe()
	if err != nil {
		return errors.Join(err, requests.Close())
	}
	defer theirOut.Close()
	s.line = pipes{requests, replies}
	c.Files = []*os.File{theirIn, theirOut}
	c.Env = append(c.Env, variableIn+"=3", variableOut+"=4")
	s.Process, err = g.Start(c)
	return err
}

func (s *Server) startBySocket(ctx context.Context, g *Guardian, c Command) (err error) {
	dir, err := os.MkdirTemp("", "l2l-") // only this user can enter it
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "socket")
	listener, err := net.Listen("unix", path)
	if err != nil {
		return err
	}
	defer listener.Close()
	c.Env = append(c.Env, variableSocket+"="+path)
	if s.Process, err = g.Start(c); err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { listener.Close() })() // Accept then ends
	go func() {
		<-s.ended
		listener.Close()
	}()
	conn, err := listener.Accept()
	switch {
	case err == nil:
		s.line = conn.(*net.UnixConn)
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, net.ErrClosed):
		return io.EOF // it has ended
	}
	return err
}

// introduce hears the server's hello, and tells it what it is there for.
func (s *Server) introduce() error {
	b, err := readFrame(s.in, s.intro.MessageLimit, nil)
	if err != nil {
		return err
	}
	v, err := JSON.Unmarshal(b)
	if err != nil {
		return fmt.Errorf("its hello is not JSON: %w: %s", err, Quote(string(b)))
	}
	hello, _ := v.(map[string]any)
	version, ok := hello["protocol"].(float64)
	if s.version = int(version); !ok || float64(s.version) != version || s.version < s.intro.Oldest || s.version > Version {
		return fmt.Errorf("it speaks version %s of the protocol, want %d to %d: install the version of its library that belongs to this program",
			Shown(hello["protocol"]), s.intro.Oldest, Version)
	}
	s.intro.Setup.protocol(s.version)
	switch chosen, _ := hello["encoding"].(string); Encoding(chosen) {
	case JSON, Msgpack:
		s.encoding = Encoding(chosen)
	default:
		return fmt.Errorf("its hello chooses the encoding %s, want %q or %q", Shown(hello["encoding"]), JSON, Msgpack)
	}
	if v, err = s.roundTrip(s.intro.Setup); err != nil {
		return err
	}
	ready, _ := v.(map[string]any)
	if text, failed := ready["error"].(string); failed {
		return Told(text)
	}
	return nil
}

// Exchange sends a request and returns the answer, or ctx's error if that ended first, or an [Unwritable].
func (s *Server) Exchange(ctx context.Context, request Message) (answer any, err error) {
	err = s.until(ctx, func() (err error) {
		answer, err = s.roundTrip(request)
		return err
	})
	return answer, err
}

// until calls f, which reads and writes. If ctx ends before that, reading and writing end, and the error is ctx's.
func (s *Server) until(ctx context.Context, f func() error) error {
	stop := context.AfterFunc(ctx, func() { _ = s.line.SetDeadline(time.Unix(1, 0)) }) // a time long past; the line may have been closed
	err := f()
	if !stop() {
		return ctx.Err()
	}
	return err
}

// Unwritable is the error of a message that cannot be written down, as JSON cannot infinity. The server knows nothing of it and stays of use.
type Unwritable struct{ error }

// Told is an error that a server tells itself, after which it ends.
type Told string

func (t Told) Error() string { return string(t) }

func (s *Server) roundTrip(message Message) (any, error) {
	if s.version > 1 {
		message.number(s.sent + 1)
	}
	b, err := s.encoding.Marshal(message)
	if err != nil {
		return nil, Unwritable{fmt.Errorf("cannot be written as %s: %w", s.encoding, err)}
	}
	if n := s.unasked(); n > 0 {
		return nil, fmt.Errorf("it sent %d bytes that nobody had asked for: it has to answer each request once", n)
	}
	s.sent++
	s.out = appendFrame(s.out[:0], b)
	if _, err := s.line.Write(s.out); err != nil {
		return nil, err
	}
	if b, err = readFrame(s.in, s.intro.MessageLimit, s.buf); err != nil {
		return nil, err
	}
	if cap(b) <= 1<<20 { // a large one would be kept for nothing
		s.buf = b
	}
	v, err := s.encoding.Unmarshal(b)
	if errors.Is(err, errTooBig) {
		return nil, fmt.Errorf("its answer of %d bytes has %w", len(b), errTooBig)
	}
	if err != nil {
		return nil, fmt.Errorf("its answer is not %s: %w: %s", s.encoding, err, Quote(string(b[:min(len(b), 100)])))
	}
	if s.version > 1 {
		return v, s.belongs(v)
	}
	return v, nil
}

// unasked is the number of bytes that the server has sent and that nobody has read. Between an answer and the next request there are none.
func (s *Server) unasked() int {
	n := 0
	_ = s.arrived.Control(func(fd uintptr) { n, _ = unix.IoctlGetInt(int(fd), unix.TIOCINQ) }) // it fails where nothing can come any more
	return n + s.in.Buffered()
}

// belongs returns an error unless an answer has the number of the last message.
func (s *Server) belongs(answer any) error {
	object, ok := answer.(map[string]any)
	if !ok {
		return fmt.Errorf("its answer is %s, want an object with the number %d", Shown(answer), s.sent)
	}
	given, there := object["number"]
	if n, err := Number(given); there && (err != nil || n != float64(s.sent)) {
		return fmt.Errorf("its answer has the number %s, want %d: it has to answer each request once", Shown(given), s.sent)
	}
	if !there {
		return fmt.Errorf("its answer has no number, only %s; want %d", Quoted(slices.Sorted(maps.Keys(object))), s.sent)
	}
	return nil
}

// Obituary ends the server, if it is still there, and makes of the error by which it came to that one that says how it ended.
func (s *Server) Obituary(err error) error {
	if s.line != nil {
		defer s.line.Close()
	}
	if s.Process == nil {
		return err // it never started
	}
	over := errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) // whatever it printed last tells how far it was
	switch {
	case errors.As(err, new(Told)):
		s.Close()
	case hungUp(err): // it has ended, or is about to
		over = true
		select {
		case <-s.ended:
			err = fmt.Errorf("the program ended (%s) without an answer", s.Status())
			if s.encoding == "" && (s.Succeeded() || s.silent()) { // else it says itself why it could not begin
				err, over = fmt.Errorf("%w: it said no hello%s", err, s.intro.Mute), false
			}
		case <-time.After(3 * time.Second):
			err = fmt.Errorf("the program closed its connection without an answer, and was ended")
		}
	case errors.Is(err, errTooLong):
		err = fmt.Errorf("%w: does something else print to descriptor 4?", err)
	}
	s.End(s.intro.Grace)
	return s.Explained(err, over)
}

// hungUp reports whether an error of the connection means that nobody is at its other end.
func hungUp(err error) bool {
	for _, e := range []error{io.EOF, io.ErrUnexpectedEOF, syscall.EPIPE, syscall.ECONNRESET, os.ErrDeadlineExceeded} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// Close lets the server end by itself, which it does when no request can come any more, and ends it if it does not.
func (s *Server) Close() {
	_ = s.line.Close() // it may have closed its end
	select {
	case <-s.ended:
	case <-time.After(2 * time.Second):
		s.End(s.intro.Grace)
	}
}
