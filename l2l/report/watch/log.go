package watch

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"
)

// The most that is kept of a log.
const (
	maxLogBytes = 256 << 10 // that are read of what was there at first
	maxLogLines = 2000
)

// tail is the end of a log, a line of JSON each.
type tail struct {
	file  string
	at    int64 // what was read up to
	lines []string
}

// read takes in the lines that have been written since. A log that cannot be read is none.
func (t *tail) read() {
	f, err := os.Open(t.file)
	if err != nil {
		return
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || info.Size() == t.at {
		return
	}
	if info.Size() < t.at { // it is another one
		t.at, t.lines = 0, nil
	}
	skip := false
	if info.Size()-t.at > maxLogBytes {
		t.at, skip = info.Size()-maxLogBytes, true
	}
	b, err := io.ReadAll(io.NewSectionReader(f, t.at, info.Size()-t.at))
	end := bytes.LastIndexByte(b, '\n')
	if err != nil || end < 0 {
		return
	}
	t.at += int64(end) + 1
	lines := strings.Split(string(b[:end]), "\n")
	if skip {
		lines = lines[1:]
	}
	t.lines = append(t.lines, lines...)
	t.lines = slices.Delete(t.lines, 0, max(len(t.lines)-maxLogLines, 0))
}

// levels are how the levels of a log are shown.
var levels = map[string]string{"debug": "DBG", "info": "INF", "warn": "WRN", "error": "ERR"}

// logLine is a line of the log as people read it, in the parts that it may be broken between.
func logLine(text string) []Line {
	var fields map[string]any
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if d.Decode(&fields) != nil {
		return []Line{{{clean(text), Plain}}}
	}
	take := func(key string) string {
		s, _ := fields[key].(string)
		delete(fields, key)
		return clean(s)
	}
	when, level, message := take("time"), take("level"), take("message")
	if at, err := time.Parse(time.RFC3339, when); err == nil {
		when = at.Format(time.TimeOnly)
	}
	style := Plain
	if level == "warn" || level == "error" {
		style = Warning
	}
	if short, ok := levels[level]; ok {
		level = short
	}
	parts := []Line{{{when, Faint}}, {{level, style}}, {{message, Plain}}}
	for _, key := range slices.Sorted(maps.Keys(fields)) {
		parts = append(parts, Line{{clean(key) + "=", Faint}, {clean(fmt.Sprint(fields[key])), Plain}})
	}
	return parts
}
