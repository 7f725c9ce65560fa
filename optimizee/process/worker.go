package process

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// worker is a program that runs as long as its slot, and answers requests. After an error of exchange it is of no further use.
type worker struct {
	*child
	line     connection
	in       *bufio.Reader
	encoding encoding
	limit    int    // of a message
	out, buf []byte // the last request and the last answer
}

// connection is the pair of pipes, or the socket, that leads to a worker.
type connection interface {
	io.ReadWriteCloser
	SetDeadline(time.Time) error
}

// pipes are a connection by one pipe in each direction.
type pipes struct{ requests, replies *os.File }

func (p pipes) Write(b []byte) (int, error) { return p.requests.Write(b) }
func (p pipes) Read(b []byte) (int, error)  { return p.replies.Read(b) }
func (p pipes) Close() error                { return errors.Join(p.requests.Close(), p.replies.Close()) }
func (p pipes) SetDeadline(t time.Time) error {
	return errors.Join(p.requests.SetWriteDeadline(t), p.replies.SetReadDeadline(t))
}

// The environment variables that tell a worker how to reach us: the descriptors of two pipes, or, behind a launcher, which does not hand
// descriptors on, the path of a Unix socket.
const (
	variableIn     = "L2L_FD_IN"
	variableOut    = "L2L_FD_OUT"
	variableSocket = "L2L_SOCKET"
)

// newWorker starts a worker and introduces the two to each other. c is the command without what the connection needs.
func newWorker(ctx context.Context, c command, byLauncher bool, hello setup, limit int, grace time.Duration) (_ *worker, err error) {
	w := &worker{limit: limit}
	if byLauncher {
		err = w.startBySocket(ctx, c)
	} else {
		err = w.startByPipes(c)
	}
	if err == nil {
		go func() { // a process that has left the group may hold the connection open
			<-w.ended
			_ = w.line.SetDeadline(time.Now().Add(time.Second)) // it may have been closed
		}()
		w.in = bufio.NewReaderSize(w.line, 64<<10)
		err = w.until(ctx, func() error { return w.introduce(hello) })
	}
	if errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("it is not ready in time: %w", err)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot start %q: %w", c.argv, w.obituary(err, grace))
	}
	return w, nil
}

func (w *worker) startByPipes(c command) error {
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
	w.line = pipes{requests, replies}
	c.files = []*os.File{theirIn, theirOut}
	c.env = append(c.env, variableIn+"=3", variableOut+"=4")
	w.child, err = start(c)
	return err
}

func (w *worker) startBySocket(ctx context.Context, c command) (err error) {
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
	c.env = append(c.env, variableSocket+"="+path)
	if w.child, err = start(c); err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { listener.Close() })() // Accept then ends
	go func() {
		<-w.ended
		listener.Close()
	}()
	conn, err := listener.Accept()
	switch {
	case err == nil:
		w.line = conn.(*net.UnixConn)
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, net.ErrClosed):
		return io.EOF // it has ended
	}
	return err
}

// introduce hears the worker's hello, and tells it what it is to evaluate.
func (w *worker) introduce(ours setup) error {
	b, err := readFrame(w.in, w.limit, nil)
	if err != nil {
		return err
	}
	v, err := asJSON.unmarshal(b)
	if err != nil {
		return fmt.Errorf("its hello is not JSON: %w: %s", err, quote(string(b)))
	}
	hello, _ := v.(map[string]any)
	if version, ok := hello["protocol"].(float64); !ok || version != Version {
		return fmt.Errorf("it speaks version %s of the protocol, want %d: install the version of its library that belongs to this program",
			shown(hello["protocol"]), Version)
	}
	switch chosen, _ := hello["encoding"].(string); encoding(chosen) {
	case asJSON, asMsgpack:
		w.encoding = encoding(chosen)
	default:
		return fmt.Errorf("its hello chooses the encoding %s, want %q or %q", shown(hello["encoding"]), asJSON, asMsgpack)
	}
	if v, err = w.roundTrip(ours); err != nil {
		return err
	}
	ready, _ := v.(map[string]any)
	if text, failed := ready["error"].(string); failed {
		return modelError(text)
	}
	return nil
}

// exchange sends a request and returns the answer, or ctx's error if that ended first.
func (w *worker) exchange(ctx context.Context, r request) (answer any, err error) {
	err = w.until(ctx, func() (err error) {
		answer, err = w.roundTrip(r)
		return err
	})
	return answer, err
}

// until calls f, which reads and writes. If ctx ends before that, reading and writing end, and the error is ctx's.
func (w *worker) until(ctx context.Context, f func() error) error {
	stop := context.AfterFunc(ctx, func() { _ = w.line.SetDeadline(time.Unix(1, 0)) }) // a time long past; the line may have been closed
	err := f()
	if !stop() {
		return ctx.Err()
	}
	return err
}

// errMessage is a message that cannot be written down, as JSON cannot infinity. The worker knows nothing of it and stays of use.
type errMessage struct{ error }

func (w *worker) roundTrip(message any) (any, error) {
	b, err := w.encoding.marshal(message)
	if err != nil {
		return nil, errMessage{fmt.Errorf("the parameters cannot be written as %s: %w", w.encoding, err)}
	}
	w.out = appendFrame(w.out[:0], b)
	if _, err := w.line.Write(w.out); err != nil {
		return nil, err
	}
	if w.buf, err = readFrame(w.in, w.limit, w.buf); err != nil {
		return nil, err
	}
	v, err := w.encoding.unmarshal(w.buf)
	if err != nil {
		return nil, fmt.Errorf("its answer is not %s: %w: %s", w.encoding, err, quote(string(w.buf)))
	}
	return v, nil
}

// obituary ends the worker, if it is still there, and makes of the error by which it came to that one that says how it ended.
func (w *worker) obituary(err error, grace time.Duration) error {
	if w.line != nil {
		defer w.line.Close()
	}
	if w.child == nil {
		return err // it never started
	}
	if hungUp(err) { // it has ended, or is about to
		select {
		case <-w.ended:
			err = fmt.Errorf("the program ended (%s) without an answer", w.status())
			if w.encoding == "" {
				err = fmt.Errorf("%w: it said no hello; if it evaluates once and ends, it wants mode: oneshot", err)
			}
		case <-time.After(3 * time.Second):
			err = fmt.Errorf("the program closed its connection without an answer, and was ended")
		}
	} else if errors.Is(err, errTooLong) {
		err = fmt.Errorf("%w: does something else print to descriptor 4?", err)
	}
	w.end(grace)
	return fmt.Errorf("%w%s", err, w.lastWords())
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

// close lets the worker end by itself, which it does when no request can come any more, and ends it if it does not.
func (w *worker) close(grace time.Duration) {
	_ = w.line.Close() // it may have closed its end
	select {
	case <-w.ended:
	case <-time.After(2 * time.Second):
		w.end(grace)
	}
}
