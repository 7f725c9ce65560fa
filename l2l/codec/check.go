package codec

import (
	"errors"
	"fmt"
)

// maxDepth is how deep arrays and maps may be nested. The decoder calls itself for each level, and a stack that overflows ends the process.
const maxDepth = 1000

var errTruncated = errors.New("codec: the bytes end early")

// check returns an error unless b is one msgpack value and nothing after it. The decoder allocates what a length announces before it has
// seen the elements; this proves the lengths.
func check(b []byte) error {
	var inside []uint64 // the arrays and maps that we are in: values still to come of each
	for at := 0; ; {
		if at == len(b) {
			return errTruncated
		}
		size, values, ok := head(b[at:])
		if !ok {
			return fmt.Errorf("codec: byte %#x, or the bytes after it, are not msgpack", b[at])
		}
		if size > uint64(len(b)-at) || values > uint64(len(b)) {
			return errTruncated
		}
		at += int(size)
		if len(inside) > 0 {
			inside[len(inside)-1]--
		}
		if values > 0 {
			if inside = append(inside, values); len(inside) > maxDepth {
				return fmt.Errorf("codec: nested more than %d levels deep", maxDepth)
			}
		}
		for len(inside) > 0 && inside[len(inside)-1] == 0 {
			inside = inside[:len(inside)-1]
		}
		if len(inside) == 0 {
			if at < len(b) {
				return fmt.Errorf("codec: %d bytes after the value", len(b)-at)
			}
			return nil
		}
	}
}

// head reads the head of a value: its size in bytes, with the data of a text or a bin, and the number of values that follow it if it is an
// array or a map. b is not empty.
func head(b []byte) (size, values uint64, ok bool) {
	var n, length uint64 // bytes of a length, and the length
	switch c := b[0]; {
	case c < 0x80 || c >= 0xe0 || c == 0xc0 || c == 0xc2 || c == 0xc3: // small integers, nil, false, true
		return 1, 0, true
	case c < 0x90: // small map
		return 1, 2 * uint64(c&0xf), true
	case c < 0xa0: // small array
		return 1, uint64(c & 0xf), true
	case c < 0xc0: // small text
		return 1 + uint64(c&0x1f), 0, true
	case c == 0xc1: // not used
		return 0, 0, false
	case c < 0xc7: // bin
		n, length, ok = announced(b, 1<<(c-0xc4))
		return 1 + n + length, 0, ok
	case c < 0xca: // extension, and its type
		n, length, ok = announced(b, 1<<(c-0xc7))
		return 2 + n + length, 0, ok
	case c < 0xcc: // float32, float64
		return 1 + 4<<(c-0xca), 0, true
	case c < 0xd0: // unsigned integers of 1, 2, 4 and 8 bytes
		return 1 + 1<<(c-0xcc), 0, true
	case c < 0xd4: // signed ones
		return 1 + 1<<(c-0xd0), 0, true
	case c < 0xd9: // extensions of 1, 2, 4, 8 and 16 bytes
		return 2 + 1<<(c-0xd4), 0, true
	case c < 0xdc: // text
		n, length, ok = announced(b, 1<<(c-0xd9))
		return 1 + n + length, 0, ok
	case c < 0xde: // array
		n, length, ok = announced(b, 2<<(c-0xdc))
		return 1 + n, length, ok
	default: // map
		n, length, ok = announced(b, 2<<(c-0xde))
		return 1 + n, 2 * length, ok
	}
}

// announced reads a big-endian length of n bytes after the first byte.
func announced(b []byte, n uint64) (_, length uint64, ok bool) {
	if uint64(len(b)) <= n {
		return 0, 0, false
	}
	for _, c := range b[1 : 1+n] {
		length = length<<8 | uint64(c)
	}
	return n, length, true
}
