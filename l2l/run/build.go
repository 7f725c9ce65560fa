package run

import (
	"bytes"
	"cmp"
	"debug/elf"
	"fmt"
	"os"
	"sync"
)

// build tells the programs of two ranks apart.
type build struct {
	Version string // "" for a program that is too old to say
	ID      string // differs between any two builds; "" where that is not known
}

func (b build) String() string {
	if b.Version == "" {
		return "one that does not say its version"
	}
	return fmt.Sprintf("version %s, build %.20s", b.Version, cmp.Or(b.ID, "unknown"))
}

// thisBuild is that of this program.
var thisBuild = sync.OnceValue(func() build { return build{Version(), buildID()} })

// buildID is what the linker calls this build: a hash of all that went into it, which it leaves in a note of the executable.
func buildID() string {
	path, err := os.Executable()
	if err != nil {
		return ""
	}
	f, err := elf.Open(path)
	if err != nil {
		return "" // not a system with such executables
	}
	defer f.Close()
	section := f.Section(".note.go.buildid")
	if section == nil {
		return ""
	}
	note, err := section.Data()
	const head = 16 // lengths of the name and of the description, the type, and the name, "Go\x00\x00"
	if err != nil || len(note) < head {
		return ""
	}
	length := f.ByteOrder.Uint32(note[4:])
	id := note[head:]
	return string(bytes.TrimRight(id[:min(uint32(len(id)), length)], "\x00"))
}

// sameBuild returns an error unless all ranks run the same build: what they say to each other is only made to be understood by the same.
func sameBuild(ranks []hello) error {
	for rank, h := range ranks {
		if h.Build != ranks[0].Build {
			return fmt.Errorf("rank %d on %s runs another build of the program than rank 0: %v; rank 0 has %v; start the same file on all ranks",
				rank, h.Host, h.Build, ranks[0].Build)
		}
	}
	return nil
}
