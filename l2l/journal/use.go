package journal

import (
	"errors"
	"os"
	"syscall"
	"time"
)

// InUse reports whether a process has the journal of the run in dir open for writing, on this host, or on another one where the file system
// has locks that hold across hosts. To find out it holds the lock itself for a moment, for which a process that opens the journal just then
// waits.
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
