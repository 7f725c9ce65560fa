package child

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// greeting and question are what these tests send.
type greeting struct{ Opening }

type question struct {
	Numbered
	Value any `json:"value" msgpack:"value"`
}

// hostile starts testdata/hostile.py. said waits until it has written all that it writes to so many requests.
func hostile(t *testing.T, version int, deed string) (s *Server, said func(requests int)) {
	t.Helper()
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	file := filepath.Join(t.TempDir(), "said")
	p := Program{Command: Words{python, "testdata/hostile.py", strconv.Itoa(version), deed, file}}
	guardian := new(Guardian)
	t.Cleanup(guardian.Close)
	s, err = Serve(ctx, guardian, Command{Argv: p.Command, Env: new(Surroundings).Environment(nil), LogLimit: 1 << 10},
		Introduction{Setup: &greeting{}, Oldest: 1, MessageLimit: 1 << 20, Grace: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	return s, func(requests int) {
		t.Helper()
		soon(t, "it has written its answers", func() bool {
			info, err := os.Stat(file)
			return err == nil && info.Size() > int64(requests) // a byte before the first
		})
	}
}

func TestServersThatAnswerOtherThanOnceAreFoundOut(t *testing.T) {
	const unasked = `^it sent \d+ bytes that nobody had asked for: it has to answer each request once`
	for _, c := range []struct {
		deed string
		from int            // the first request after which it is found out
		want map[int]string // the reason, by version
	}{
		{"nothing", 0, nil},
		{"more fields", 0, nil},
		{"early", 1, map[int]string{1: unasked, 2: unasked}},
		{"twice", 2, map[int]string{1: unasked, 2: unasked}},
		{"thrice", 2, map[int]string{1: unasked, 2: unasked}},
		{"late", 2, map[int]string{1: unasked, 2: unasked}},
		{"ahead", 2, map[int]string{1: unasked, 2: unasked}},
		{"before", 1, map[int]string{2: `^its answer has the number 1, want 2: it has to answer each request once`}},
		{"another number", 1, map[int]string{2: `^its answer has the number 77, want 2`}},
		{"a text as number", 1, map[int]string{2: `^its answer has the number "2", want 2`}},
		{"no number", 1, map[int]string{2: `^its answer has no number, only "value"; want 2`}},
		{"no object", 1, map[int]string{2: `^its answer is a list of 1, want an object with the number 2`}},
		{"too much", 2, map[int]string{1: unasked, 2: unasked}},
		{"a byte", 2, map[int]string{1: `^it sent 1 bytes`, 2: `^it sent 1 bytes`}},
		{"too long", 1, map[int]string{1: `^a frame longer than allowed: 1073741824 bytes`, 2: `^a frame longer than allowed: 1073741824 bytes`}},
		{"garbage", 1, map[int]string{1: `^its answer is not json: `, 2: `^its answer is not json: `}},
		{"torn", 1, map[int]string{1: `^the program ended \(exit status 0\) without an answer`, 2: `^the program ended \(exit status 0\) without an answer`}},
	} {
		for version := 1; version <= Version; version++ {
			if c.from > 0 && c.want[version] == "" {
				continue // without numbers it is as good as another
			}
			t.Run(fmt.Sprintf("%s, version %d", c.deed, version), func(t *testing.T) {
				t.Parallel()
				s, said := hostile(t, version, c.deed)
				for request := 1; request <= 3; request++ {
					said(request - 1)
					answer, err := s.Exchange(t.Context(), &question{Value: request})
					if request == c.from {
						if err == nil {
							t.Fatalf("request %d is answered with %v", request, answer)
						}
						if err = s.Obituary(err); !regexp.MustCompile(c.want[version]).MatchString(err.Error()) {
							t.Errorf("%v, want %s", err, c.want[version])
						}
						return
					}
					if object, ok := answer.(map[string]any); err != nil || !ok || object["value"] != float64(request) {
						t.Fatalf("request %d is answered with %v, %v", request, answer, err)
					}
				}
				s.Close()
			})
		}
	}
}

// TestASecondAnswerIsNotTakenForTheNext sends requests as quickly as they are answered: a second answer may then come after the next request,
// and only its number tells the two apart.
func TestASecondAnswerIsNotTakenForTheNext(t *testing.T) {
	for range 20 {
		s, _ := hostile(t, 2, "twice")
		for request := 1; ; request++ {
			answer, err := s.Exchange(t.Context(), &question{Value: request})
			if err != nil {
				_ = s.Obituary(err)
				break
			}
			if v := answer.(map[string]any)["value"]; v != float64(request) {
				t.Fatalf("request %d is answered with %v", request, v)
			}
		}
	}
}

func TestAMessageThatCannotBeWrittenCostsNothing(t *testing.T) {
	s, _ := hostile(t, 2, "nothing")
	defer s.Close()
	if _, err := s.Exchange(t.Context(), &question{Value: math.Inf(1)}); !errors.As(err, new(Unwritable)) {
		t.Errorf("infinity: %v", err)
	}
	if answer, err := s.Exchange(t.Context(), &question{Value: 3.5}); err != nil || answer.(map[string]any)["value"] != 3.5 {
		t.Errorf("after that: %v, %v", answer, err)
	}
}

// FuzzServer talks to a server whose hello and two answers have any content.
func FuzzServer(f *testing.F) {
	for _, c := range []struct{ hello, ready, answer string }{
		{`{"protocol": 2, "encoding": "json", "worker": "w"}`, `{"number": 1}`, `{"number": 2, "results": [{"fitness": [1]}]}`},
		{`{"protocol": 2, "encoding": "msgpack"}`, "\x81\xa6number\x01", "\x82\xa6number\xcb\x40\x00\x00\x00\x00\x00\x00\x00\xa1a\xc0"},
		{`{"protocol": 1, "encoding": "json"}`, `{}`, `[1, 2]`}, {`{"protocol": 2, "encoding": "json"}`, `{"number": 1, "error": "no license"}`, ``},
		{`{"protocol": 1e300, "encoding": 2}`, ``, ``}, {`{"protocol": 2, "encoding": "json"}`, `{"number": "1"}`, ``}, {`hello`, ``, ``},
	} {
		f.Add([]byte(c.hello), []byte(c.ready), []byte(c.answer))
	}
	f.Fuzz(func(t *testing.T, hello, ready, answer []byte) {
		asked, requests, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		replies, answers, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		over := make(chan struct{})
		go func() { // the server
			defer func() {
				answers.Close()
				asked.Close()
				close(over)
			}()
			for i, b := range [][]byte{hello, ready, answer} {
				if i > 0 {
					if _, err := readFrame(asked, 1<<20, nil); err != nil {
						return
					}
				}
				if _, err := answers.Write(appendFrame(nil, b)); err != nil {
					return
				}
			}
		}()
		line := pipes{requests, replies}
		s := &Server{line: line, in: bufio.NewReader(line), intro: Introduction{Setup: &greeting{}, Oldest: 1, MessageLimit: 1 << 20}}
		if s.arrived, err = line.SyscallConn(); err != nil {
			t.Fatal(err)
		}
		var v any
		if err = s.introduce(); err == nil {
			v, err = s.roundTrip(&question{Value: 1})
		}
		if err := line.Close(); err != nil {
			t.Error(err)
		}
		<-over
		if object, _ := v.(map[string]any); err == nil && s.version > 1 {
			if n, err := Number(object["number"]); err != nil || n != 2 {
				t.Errorf("%v is taken for the answer to request 2", v)
			}
		}
		if err != nil && strings.TrimSpace(err.Error()) == "" && !errors.As(err, new(Told)) {
			t.Error("an error without a text")
		}
	})
}
