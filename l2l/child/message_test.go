package child

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func TestFramesComeBackAsTheyWereHoweverTheyArrive(t *testing.T) {
	var stream []byte
	messages := [][]byte{{}, {1}, bytes.Repeat([]byte("x"), 3<<20)}
	for _, m := range messages {
		stream = appendFrame(stream, m)
	}
	for name, r := range map[string]io.Reader{"at once": bytes.NewReader(stream), "in halves": iotest.HalfReader(bytes.NewReader(stream))} {
		var buf []byte
		for i, want := range messages {
			got, err := readFrame(r, 4<<20, buf)
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("%s: message %d: %d bytes, %v; want %d", name, i, len(got), err, len(want))
			}
			buf = got
		}
		if _, err := readFrame(r, 4<<20, buf); err != io.EOF {
			t.Errorf("%s: after the last: %v", name, err)
		}
	}
	for cut := 1; cut < 5; cut++ {
		if _, err := readFrame(bytes.NewReader(appendFrame(nil, []byte("a"))[:cut]), 10, nil); cut < 5 && err != io.ErrUnexpectedEOF {
			t.Errorf("cut after %d bytes: %v", cut, err)
		}
	}
	if _, err := readFrame(strings.NewReader("\x0b\x00\x00\x00"), 10, nil); !errors.Is(err, errTooLong) {
		t.Errorf("too long: %v", err)
	}
}

func FuzzReadFrame(f *testing.F) {
	f.Add(appendFrame(nil, []byte("abc")))
	f.Add([]byte("\xff\xff\xff\xff"))
	f.Add([]byte("hello world"))
	f.Fuzz(func(t *testing.T, b []byte) {
		const limit = 1 << 16
		message, err := readFrame(bytes.NewReader(b), limit, nil)
		if err == nil && (len(message) > limit || !bytes.HasPrefix(b, appendFrame(nil, message))) {
			t.Errorf("%q is read as %q", b, message)
		}
	})
}
