package journal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

// A file is eight bytes of magic, then frames. A frame is
//
//	length of the payload   uint32, little-endian
//	kind of event           byte
//	CRC of these five bytes uint32
//	payload                 the event, by package codec
//	CRC of the payload      uint32
//
// The header has a CRC of its own, so that a damaged length is not taken for a frame that is not written to its end. The CRCs are CRC-32C,
// and each goes on from the one before it, so that the last one of a frame is a checksum of all the file up to there: a frame that was
// copied, moved or left out is found by its checksum. The first goes on from the magic's. In files of the first version, which are
// continued as they were begun, each starts anew.
const (
	magic      = "L2LJRNL2"
	magic1     = "L2LJRNL1"
	headerSize = 9
	crcSize    = 4
	maxPayload = 1<<31 - 1
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// chain is the running checksum of a file.
type chain struct {
	sum  uint32
	anew bool // each checksum starts anew: the first version
}

// begin is the chain after the magic of a file; ok is false for what is no magic.
func begin(head []byte) (c chain, ok bool) {
	switch string(head) {
	case magic:
		return chain{sum: crc32.Checksum(head, castagnoli)}, true
	case magic1:
		return chain{anew: true}, true
	}
	return c, false
}

// add is the checksum with b in it.
func (c *chain) add(b []byte) uint32 {
	if c.anew {
		c.sum = 0
	}
	c.sum = crc32.Update(c.sum, castagnoli, b)
	return c.sum
}

// appendFrame appends a frame to dst, with which the chain goes on.
func (c *chain) appendFrame(dst []byte, kind byte, payload []byte) ([]byte, error) {
	begin := len(dst)
	return c.frame(append(append(dst, make([]byte, headerSize)...), payload...), begin, kind)
}

// frame makes a frame, with which the chain goes on, of what dst has from begin on: room for its header, and the payload.
func (c *chain) frame(dst []byte, begin int, kind byte) ([]byte, error) {
	header, payload := dst[begin:begin+headerSize], dst[begin+headerSize:]
	if len(payload) > maxPayload {
		return dst[:begin], fmt.Errorf("journal: an event of %d bytes, want at most %d", len(payload), maxPayload)
	}
	binary.LittleEndian.PutUint32(header, uint32(len(payload)))
	header[4] = kind
	binary.LittleEndian.PutUint32(header[5:], c.add(header[:5]))
	return binary.LittleEndian.AppendUint32(dst, c.add(payload)), nil
}

// errTorn says that a file ends within a frame, or that its last frame is not whole; its text tells where.
var errTorn = errors.New("the file ends within a frame")

// readFrame reads the next frame, with which the chain goes on. It returns io.EOF at the end of the file, errTorn for a frame that a writer or
// a machine left behind that died: one that the file ends in, or that is not whole and after which there are but zeros, as a file system
// leaves them where it knew a file's new size and not yet its content. It returns another error for a frame that is damaged.
func (c *chain) readFrame(r io.Reader) (kind byte, payload []byte, err error) {
	var header [headerSize]byte
	if n, err := io.ReadFull(r, header[:]); err != nil {
		if n > 0 && errors.Is(err, io.ErrUnexpectedEOF) {
			return 0, nil, errTorn
		}
		return 0, nil, err
	}
	if binary.LittleEndian.Uint32(header[5:]) != c.add(header[:5]) {
		return 0, nil, brokenFrame(r, "the frame's header does not have its checksum")
	}
	length := binary.LittleEndian.Uint32(header[:4])
	if length > maxPayload {
		return 0, nil, fmt.Errorf("the frame is %d bytes long, want at most %d", length, maxPayload)
	}
	body, err := readBody(r, int(length)+crcSize)
	if err != nil {
		return 0, nil, err
	}
	payload = body[:length]
	if binary.LittleEndian.Uint32(body[length:]) != c.add(payload) {
		return 0, nil, brokenFrame(r, "the frame does not have its checksum")
	}
	return header[4], payload, nil
}

// readBody reads so many bytes. A large number is not believed before the bytes are there: what is allocated then grows with what is read.
func readBody(r io.Reader, n int) (body []byte, err error) {
	const believed = 1 << 16
	if n <= believed {
		body = make([]byte, n)
		if _, err = io.ReadFull(r, body); err == io.EOF || err == io.ErrUnexpectedEOF {
			err = errTorn
		}
		return body, err
	}
	if body, err = io.ReadAll(io.LimitReader(r, int64(n))); err == nil && len(body) < n {
		err = errTorn
	}
	return body, err
}

// brokenFrame is the error for a frame that is not whole, after which r goes on.
func brokenFrame(r io.Reader, reason string) error {
	if zeros(r) {
		return errTorn
	}
	return errors.New(reason)
}

// zeros reports whether r holds nothing, or nothing but zeros.
func zeros(r io.Reader) bool {
	buf := make([]byte, 1<<16)
	for {
		n, err := r.Read(buf)
		if len(bytes.TrimLeft(buf[:n], "\x00")) > 0 {
			return false
		}
		if err != nil {
			return err == io.EOF
		}
	}
}
