package codec

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Many values of one kind are written by columns: a msgpack array whose elements are bins, one for each field, that hold the field of
// all values one after the other. Per value this costs little more than the copy of its numbers. A column of which all is zero may be
// empty, so that a field that nobody uses costs nothing.

// AppendArray appends the head of a msgpack array of n elements, which follow. Those of columns are fewer than 65536.
func AppendArray(dst []byte, n int) []byte {
	switch {
	case n < 16:
		return append(dst, 0x90|byte(n))
	case n < 65536:
		return binary.BigEndian.AppendUint16(append(dst, 0xdc), uint16(n))
	}
	return binary.BigEndian.AppendUint32(append(dst, 0xdd), uint32(n))
}

// appendBin appends the head of a msgpack bin of n bytes, which follow.
func appendBin(dst []byte, n int) []byte {
	return binary.BigEndian.AppendUint32(append(dst, 0xc6), uint32(n))
}

// AppendInts appends a column of the n integers that at returns.
func AppendInts(dst []byte, n int, at func(i int) int64) []byte {
	dst = appendBin(dst, 8*n)
	for i := range n {
		dst = binary.LittleEndian.AppendUint64(dst, uint64(at(i)))
	}
	return dst
}

// AppendVectors appends a column of the n vectors that at returns, one after the other.
func AppendVectors(dst []byte, n int, at func(i int) []float64) []byte {
	total := 0
	for i := range n {
		total += len(at(i))
	}
	dst = appendBin(dst, 8*total)
	for i := range n {
		dst = Vector(at(i)).Append(dst)
	}
	return dst
}

// AppendBytes appends a bin.
func AppendBytes(dst, b []byte) []byte { return append(appendBin(dst, len(b)), b...) }

// Columns reads what the Append functions have written, in the same order. Columns that a writer of an earlier version did not know are
// empty, and those of a later version are left unread. After the first error, which Err returns, all is empty.
type Columns struct {
	rest []byte
	left int // columns in rest
	err  error
}

// NewColumns reads an array from b.
func NewColumns(b []byte) *Columns {
	if len(b) > 0 && b[0]&0xf0 == 0x90 {
		return &Columns{rest: b[1:], left: int(b[0] & 0xf)}
	}
	if len(b) > 2 && b[0] == 0xdc {
		return &Columns{rest: b[3:], left: int(binary.BigEndian.Uint16(b[1:]))}
	}
	return &Columns{err: errors.New("codec: want a msgpack array of columns")}
}

// Bytes is the next bin; it shares b's memory.
func (c *Columns) Bytes() []byte {
	if c.left == 0 || c.err != nil {
		return nil
	}
	c.left--
	if len(c.rest) < 5 || c.rest[0] != 0xc6 {
		c.err = errTruncated
		return nil
	}
	n := uint64(binary.BigEndian.Uint32(c.rest[1:]))
	if n > uint64(len(c.rest)-5) {
		c.err = errTruncated
		return nil
	}
	bin := c.rest[5 : 5+n : 5+n]
	c.rest = c.rest[5+n:]
	return bin
}

// Vector is the next column of vectors, as one.
func (c *Columns) Vector() Vector {
	v, err := ParseVector(c.Bytes())
	if err != nil {
		c.err = err
	}
	return v
}

// Err is the first error; bytes after the last column are one. No column can be read after it.
func (c *Columns) Err() error {
	for c.left > 0 && c.err == nil {
		c.Bytes() // of a later version
	}
	if c.err == nil && len(c.rest) > 0 {
		c.err = fmt.Errorf("codec: %d bytes after the last column", len(c.rest))
	}
	return c.err
}
