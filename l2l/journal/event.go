package journal

import (
	"errors"
	"fmt"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/l2l/codec"
)

// The kinds of frames. A number is never used again. What the frames from kindAside on hold is for people, and does not touch the search: a
// version that does not know such a kind passes over it.
const (
	kindBegun1 byte = iota + 1 // of the first version, see begun1
	kindAsked
	kindResult
	kindStopped
	kindCheckpoint
	kindKnown
	kindBegun
	kindFinals
	kindInjected
	kindAside   byte = 128
	kindFigures byte = 128
	kindSession byte = 129
	kindOrdered byte = 130
)

// encode appends the frame of an event to dst.
func (c *chain) encode(dst []byte, e l2l.Event) ([]byte, error) {
	var kind byte
	switch e.(type) {
	case l2l.Begun:
		kind = kindBegun
	case l2l.WarmStart:
		kind = kindKnown
	case l2l.Asked:
		kind = kindAsked
	case l2l.Result:
		kind = kindResult
	case l2l.Injected:
		kind = kindInjected
	case l2l.Figures:
		kind = kindFigures
	case l2l.Finals:
		kind = kindFinals
	case l2l.Session:
		kind = kindSession
	case l2l.Ordered:
		kind = kindOrdered
	case l2l.Stopped:
		kind = kindStopped
	default:
		return dst, fmt.Errorf("journal: no frame for an event of type %T", e)
	}
	begin := len(dst)
	var header [headerSize]byte // to be filled in
	dst, err := codec.Append(append(dst, header[:]...), e)
	if err == nil {
		dst, err = c.frame(dst, begin, kind)
	}
	if err != nil {
		return dst[:begin], fmt.Errorf("journal: %T: %w", e, err)
	}
	return dst, nil
}

// Size is the number of bytes that an event takes in a journal.
func Size(e l2l.Event) (int64, error) {
	frame, err := new(chain).encode(nil, e)
	return int64(len(frame)), err
}

// errPass says that a frame is to be passed over.
var errPass = errors.New("an aside of another version")

// decode is the event of a frame. Since the frame has its checksum, an error means that another version wrote it.
func decode(kind byte, payload []byte) (l2l.Event, error) {
	var e l2l.Event
	var err error
	switch kind {
	case kindBegun1:
		e, err = decodeBegun1(payload)
	case kindBegun:
		e, err = event[l2l.Begun](payload)
	case kindAsked:
		e, err = event[l2l.Asked](payload)
	case kindResult:
		e, err = event[l2l.Result](payload)
	case kindStopped:
		e, err = event[l2l.Stopped](payload)
	case kindKnown:
		e, err = event[l2l.WarmStart](payload)
	case kindFinals:
		e, err = event[l2l.Finals](payload)
	case kindInjected:
		e, err = event[l2l.Injected](payload)
	case kindFigures:
		e, err = event[l2l.Figures](payload)
	case kindSession:
		e, err = event[l2l.Session](payload)
	case kindOrdered:
		e, err = event[l2l.Ordered](payload)
	default:
		err = fmt.Errorf("a frame of kind %d", kind)
	}
	if err != nil && kind >= kindAside {
		return nil, errPass
	}
	return e, err
}

func event[E l2l.Event](payload []byte) (l2l.Event, error) {
	var e E
	if err := codec.Unmarshal(payload, &e); err != nil {
		return nil, err
	}
	return e, nil
}
