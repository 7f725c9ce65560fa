package journal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/l2l/codec"
)

// A file is eight bytes of magic, then frames. A frame is
//
//	length of the payload   uint32, little-endian
//	kind of event           byte
//	CRC of these five bytes uint32
//	payload                 the event, by package codec
//	CRC of the payload      uint32
//
// The header has a CRC of its own, so that a damaged length is not taken for a frame that is not written to its end. The CRCs
// are CRC-32C; of a header of zeros, as a file system may leave at the end of a file when the machine dies, the CRC is not zero.
const (
	magic      = "L2LJRNL1"
	headerSize = 9
	crcSize    = 4
	maxPayload = 1<<31 - 1
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func checksum(b []byte) uint32 { return crc32.Checksum(b, castagnoli) }

// appendFrame appends a frame to dst.
func appendFrame(dst []byte, kind byte, payload []byte) ([]byte, error) {
	if len(payload) > maxPayload {
		return dst, fmt.Errorf("journal: an event of %d bytes, want at most %d", len(payload), maxPayload)
	}
	start := len(dst)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(payload)))
	dst = append(dst, kind)
	dst = binary.LittleEndian.AppendUint32(dst, checksum(dst[start:]))
	dst = append(dst, payload...)
	return binary.LittleEndian.AppendUint32(dst, checksum(payload)), nil
}

// errTorn says that a file ends within a frame; its text tells where.
var errTorn = errors.New("the file ends within a frame")

// readFrame reads the next frame. It returns io.EOF at the end of the file, errTorn where the file ends within the frame or holds nothing
// but zeros from here on, and another error for a frame that is damaged.
func readFrame(r io.Reader) (kind byte, payload []byte, err error) {
	var header [headerSize]byte
	if n, err := io.ReadFull(r, header[:]); err != nil {
		if n > 0 && errors.Is(err, io.ErrUnexpectedEOF) {
			return 0, nil, errTorn
		}
		return 0, nil, err
	}
	if header == [headerSize]byte{} && zeros(r) {
		return 0, nil, errTorn
	}
	if binary.LittleEndian.Uint32(header[5:]) != checksum(header[:5]) {
		return 0, nil, errors.New("the frame's header does not have its checksum")
	}
	length := binary.LittleEndian.Uint32(header[:4])
	if length > maxPayload {
		return 0, nil, fmt.Errorf("the frame is %d bytes long, want at most %d", length, maxPayload)
	}
	// The length is not believed before the bytes are there: what is allocated grows with what is read.
	body, err := io.ReadAll(io.LimitReader(r, int64(length)+crcSize))
	if err != nil {
		return 0, nil, err
	}
	if len(body) < int(length)+crcSize {
		return 0, nil, errTorn
	}
	payload = body[:length]
	if binary.LittleEndian.Uint32(body[length:]) != checksum(payload) {
		return 0, nil, errors.New("the frame does not have its checksum")
	}
	return header[4], payload, nil
}

// zeros reports whether r holds nothing but zeros.
func zeros(r io.Reader) bool {
	buf := make([]byte, 1<<16)
	for {
		n, err := r.Read(buf)
		for _, b := range buf[:n] {
			if b != 0 {
				return false
			}
		}
		if err != nil {
			return err == io.EOF
		}
	}
}

// The kinds of frames.
const (
	kindBegun byte = iota + 1
	kindAsked
	kindResult
	kindStopped
	kindCheckpoint
	kindKnown
)

// encode appends the frame of an event to dst.
func encode(dst []byte, e l2l.Event) ([]byte, error) {
	var kind byte
	switch e.(type) {
	case l2l.Begun:
		kind = kindBegun
	case l2l.Known:
		kind = kindKnown
	case l2l.Asked:
		kind = kindAsked
	case l2l.Result:
		kind = kindResult
	case l2l.Stopped:
		kind = kindStopped
	default:
		return dst, fmt.Errorf("journal: no frame for an event of type %T", e)
	}
	payload, err := codec.Marshal(e)
	if err != nil {
		return dst, fmt.Errorf("journal: %T: %w", e, err)
	}
	return appendFrame(dst, kind, payload)
}

// decode is the event of a frame.
func decode(kind byte, payload []byte) (l2l.Event, error) {
	switch kind {
	case kindBegun:
		return event[l2l.Begun](payload)
	case kindKnown:
		return event[l2l.Known](payload)
	case kindAsked:
		return event[l2l.Asked](payload)
	case kindResult:
		return event[l2l.Result](payload)
	case kindStopped:
		return event[l2l.Stopped](payload)
	}
	return nil, fmt.Errorf("a frame of kind %d, which this version does not know", kind)
}

func event[E l2l.Event](payload []byte) (l2l.Event, error) {
	var e E
	if err := codec.Unmarshal(payload, &e); err != nil {
		return nil, err
	}
	return e, nil
}
