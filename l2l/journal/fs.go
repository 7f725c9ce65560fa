package journal

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"sync/atomic"
	"syscall"
	"time"
)

// fileSystem is what a journal asks of a disk: the system's, or in tests one that fills up, fails and loses its power.
type fileSystem interface {
	// Open opens a file, with the flags of package os. The permissions of a new one are less those of the umask.
	Open(name string, flag int, perm fs.FileMode) (file, error)
	MkdirAll(name string, perm fs.FileMode) error
	// Names lists a directory in order.
	Names(dir string) ([]string, error)
	Rename(from, to string) error
	Remove(name string) error
	// SyncDir has the names in a directory reach the disk: until then a file may lose its own, or have the one before, when the power is cut.
	SyncDir(dir string) error
}

// file is an open file.
type file interface {
	io.ReadWriteSeeker
	io.ReaderAt
	io.WriterAt
	io.Closer
	Name() string
	Truncate(size int64) error
	// Sync has the content reach the disk.
	Sync() error
	// Linked returns an error unless the file's name still leads to it.
	Linked() error
	// Lock makes this the only locked one of the file, until it is closed; it returns ErrInUse where there is one already. File systems without
	// locks are trusted.
	Lock() error
}

// system is the system's file system.
type system struct{}

func (system) Open(name string, flag int, perm fs.FileMode) (file, error) {
	f, err := os.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err
	}
	return systemFile{f}, nil
}

func (system) MkdirAll(name string, perm fs.FileMode) error { return os.MkdirAll(name, perm) }
func (system) Rename(from, to string) error                 { return os.Rename(from, to) }
func (system) Remove(name string) error                     { return os.Remove(name) }

func (system) Names(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return names, err
}

func (system) SyncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = f.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ENOTSUP) { // a file system that has no such thing
		err = nil
	}
	return errors.Join(err, f.Close())
}

type systemFile struct{ *os.File }

func (f systemFile) Linked() error {
	there, err := os.Stat(f.Name())
	if err != nil {
		return err
	}
	here, err := f.Stat()
	if err == nil && !os.SameFile(here, there) {
		err = fs.ErrNotExist
	}
	return err
}

func (f systemFile) Lock() error {
	const tries, pause = 10, 10 * time.Millisecond // somebody may only be asking whether it is in use
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	for range tries {
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			break
		}
		time.Sleep(pause)
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	}
	switch {
	case errors.Is(err, syscall.EWOULDBLOCK):
		return ErrInUse
	case errors.Is(err, syscall.ENOSYS), errors.Is(err, syscall.ENOTSUP), errors.Is(err, syscall.ENOLCK):
		return nil
	}
	return err
}

// WriteFile writes a file so that it is there as a whole or not at all, whatever happens to the program or to the machine. Its permissions are
// as the umask wants them.
func WriteFile(path string, content []byte) error { return writeFile(system{}, path, content) }

// temporary numbers the temporary files of this process.
var temporary atomic.Int64

func writeFile(disk fileSystem, path string, content []byte) error {
	dir := filepath.Dir(path)
	name := filepath.Join(dir, fmt.Sprintf(".%s.new-%d-%d", filepath.Base(path), os.Getpid(), temporary.Add(1))) // see halfWritten
	f, err := disk.Open(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o666)
	if err != nil {
		return err
	}
	_, err1 := f.Write(content)
	err2 := f.Sync()
	err3 := f.Close()
	err = errors.Join(err1, err2, err3)
	if err == nil {
		err = disk.Rename(name, path)
	}
	if err != nil {
		return errors.Join(err, disk.Remove(name))
	}
	return disk.SyncDir(dir)
}

// halfWritten matches the names of files that writeFile has not yet given their own.
var halfWritten = regexp.MustCompile(`^\..+\.new-\d+-\d+$`)

// sweep removes from dir what processes left behind that were ended while they wrote a file. Nobody may be writing there. A directory that is not
// there has nothing to remove.
func sweep(disk fileSystem, dir string) error {
	names, err := disk.Names(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	errs := []error{err}
	for _, name := range names {
		if halfWritten.MatchString(name) {
			errs = append(errs, disk.Remove(filepath.Join(dir, name)))
		}
	}
	return errors.Join(errs...)
}
