package dispatch

import (
	"fmt"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/l2l/codec"
)

// What the ranks say to each other.
//
// Workers wait for a command, broadcast by rank 0:
//
//	pull        serve messages from rank 0 until one says to end
//	round       evaluations follow in the broadcast: evaluate your block of them, then join the gather of results
//	stop        the run is over
//
// While they serve the pull schedule, messages go both ways:
//
//	0 -> r  tasks     evaluations to run
//	r -> 0  results   some that have ended, in any order
//	0 -> r  end       nothing is outstanding: wait for the next command
//	0 -> r  stop      give up what is under way; the run is over
//	r -> 0  bye       the answer to stop: no message of mine follows
const (
	commandPull byte = iota + 1
	commandRound
	commandStop
)

const (
	tagTasks = iota + 1
	tagResults
	tagEnd
	tagStop
	tagBye
)

// encodeTasks encodes evaluations.
func encodeTasks(es []l2l.Evaluation) ([]byte, error) { return codec.Marshal(es) }

// decodeTasks is the inverse of encodeTasks.
func decodeTasks(b []byte) (es []l2l.Evaluation, err error) {
	if err := codec.Unmarshal(b, &es); err != nil {
		return nil, fmt.Errorf("dispatch: tasks: %w", err)
	}
	return es, nil
}

// encodeResults encodes results.
func encodeResults(rs []l2l.Result) ([]byte, error) { return codec.Marshal(rs) }

// decodeResults is the inverse of encodeResults.
func decodeResults(b []byte) (rs []l2l.Result, err error) {
	if err := codec.Unmarshal(b, &rs); err != nil {
		return nil, fmt.Errorf("dispatch: results: %w", err)
	}
	return rs, nil
}

// block is rank's share of n evaluations among the working ranks 1 … size-1, in proportion to their slots: those from first on, and before end.
func block(n, rank int, slots []int) (first, end int) {
	total, before := 0, 0
	for r := 1; r < len(slots); r++ {
		total += slots[r]
		if r < rank {
			before += slots[r]
		}
	}
	return n * before / total, n * (before + slots[rank]) / total
}
