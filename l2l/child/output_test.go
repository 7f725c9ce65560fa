package child

import "testing"

func TestAnExcerptKeepsTheBeginningAndTheEnd(t *testing.T) {
	for _, step := range []int{1, 3, 7, 10, 100, 1000} {
		e := excerpt{half: 10}
		var whole []byte
		for i := range 2000 {
			whole = append(whole, byte('a'+i%26))
		}
		for at := 0; at < len(whole); at += step {
			e.add(whole[at:min(at+step, len(whole))])
		}
		want := string(whole[:10]) + "\n… 1980 bytes are left out here …\n" + string(whole[1990:])
		if got := string(e.text()); got != want {
			t.Errorf("in steps of %d: %q, want %q", step, got, want)
		}
		if cap(e.tail) > 100 {
			t.Errorf("in steps of %d: %d bytes are held", step, cap(e.tail))
		}
		e.reset()
		e.add([]byte("abcdefghijklmnopqrst"))
		if got := string(e.text()); got != "abcdefghijklmnopqrst" {
			t.Errorf("a short text is %q", got)
		}
	}
}
