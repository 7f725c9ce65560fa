package journal

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// InUse reports whether a process has the journal of the run in dir open for writing, on this host, or on another one where the file system
// has locks that hold across hosts. To find out it holds the lock itself for a moment, so that a process that opens the journal just then is
// told that it is in use.
func InUse(dir string) (bool, error) {
	f, err := os.Open(eventsFile(dir))
	if err != nil {
		return false, err
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB)
	return errors.Is(err, syscall.EWOULDBLOCK), f.Close()
}

// Written is when the journal of the run in dir was last written to.
func Written(dir string) (time.Time, error) {
	info, err := os.Stat(eventsFile(dir))
	if err != nil {
		return time.Time{}, err
	}
	return info.ModTime(), nil
}

// aliveFile is a file whose time of change is when the process that writes the journal was last known to live.
func aliveFile(dir string) string { return filepath.Join(journalDir(dir), "alive") }

// Touch says that the process that has the journal in dir open lives, for those on other hosts, who may not see its lock: it may be a long time until
// something happens.
func Touch(dir string) error {
	now := time.Now()
	err := os.Chtimes(aliveFile(dir), now, now)
	if errors.Is(err, fs.ErrNotExist) {
		err = os.WriteFile(aliveFile(dir), nil, 0o666)
	}
	return err
}

// Touched is when Touch was last called for dir, on whatever host; the zero time if never.
func Touched(dir string) time.Time {
	info, err := os.Stat(aliveFile(dir))
	if err != nil {
		return time.Time{}
	}
	return info.ModTime()
}
