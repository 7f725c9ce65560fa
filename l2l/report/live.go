package report

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// Live is what rank 0 knows of a run that goes on and the journal does not say: the file live.json in its directory, which is replaced every few
// seconds, and removed at the end of the session. Runs of earlier versions have none, and neither have those that take less than a second. Nothing
// depends on it: it is a view, and a sign of life where evaluations take long.
type Live struct {
	At       time.Time  `json:"at"`             // when it was written
	Host     string     `json:"host"`           // of rank 0
	UnderWay int        `json:"under_way"`      // evaluations that have begun and not ended, as far as rank 0 knows
	Longest  []UnderWay `json:"longest"`        // of them, the first begun first
	Slots    []int      `json:"slots"`          // by rank
	Lost     []int      `json:"lost,omitempty"` // ranks that do not answer any more
	WallTime float64    `json:"wall_time"`      // seconds that the session may take; 0 where it has no limit
}

// UnderWay is an evaluation that has begun and not ended.
type UnderWay struct {
	Individual int64   `json:"individual"`
	Instance   int     `json:"instance"`
	Replicate  int     `json:"replicate"`
	Attempt    int     `json:"attempt"`
	Seconds    float64 `json:"seconds"` // since it began, when the file was written
}

func liveFile(dir string) string { return filepath.Join(dir, "live.json") }

// Write replaces the file in the run's directory. It does not wait until the disk has it: of a dead run it says nothing.
func (l Live) Write(dir string) error {
	b, err := json.Marshal(l)
	if err != nil {
		return err
	}
	half := filepath.Join(dir, fmt.Sprintf(".live.json.new-%d-0", os.Getpid())) // which package journal sweeps away after a kill
	if err := os.WriteFile(half, append(b, '\n'), 0o666); err != nil {
		_ = os.Remove(half) // what is there of it
		return err
	}
	return os.Rename(half, liveFile(dir))
}

// RemoveLive removes the file from the run's directory, if it is there.
func RemoveLive(dir string) error {
	err := os.Remove(liveFile(dir))
	if os.IsNotExist(err) {
		return nil
	}
	return err
}

// ReadLive reads the file of the run in dir, with the time at which it was written; nil where there is none that can be read.
func ReadLive(dir string) (l *Live, written time.Time) {
	b, err := os.ReadFile(liveFile(dir))
	if err != nil {
		return nil, written
	}
	info, err := os.Stat(liveFile(dir))
	l = &Live{}
	if err != nil || json.Unmarshal(b, l) != nil {
		return nil, written
	}
	return l, info.ModTime()
}
