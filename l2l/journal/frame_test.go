package journal

import "testing"

// FuzzDecode gives the decoder payloads whose checksums are right, which FuzzRead can hardly find.
func FuzzDecode(f *testing.F) {
	f.Add(byte(1), []byte{0x80})
	f.Add(byte(3), []byte{0x9b, 1, 2, 3})
	f.Fuzz(func(t *testing.T, kind byte, payload []byte) {
		_, _ = decode(kind, payload) // must not panic
	})
}
