package export

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"math"

	"github.com/meta-optimization/l2l-mpi/l2l/codec"
	"github.com/meta-optimization/l2l-mpi/l2l/report"
)

// jsonLines writes each row as an object, on a line. What is not finite is null, since JSON has no such numbers.
func jsonLines(w io.Writer, t report.Table, _ Metadata) error {
	out := bufio.NewWriter(w)
	keys := make([][]byte, len(t.Columns))
	for i, c := range t.Columns {
		name, err := json.Marshal(c.Name)
		if err != nil {
			return err
		}
		keys[i] = append(name, ':')
	}
	var line []byte
	for row, err := range t.Rows {
		if err != nil {
			return errors.Join(err, out.Flush())
		}
		line = append(line[:0], '{')
		for i, cell := range row {
			if i > 0 {
				line = append(line, ',')
			}
			line = append(line, keys[i]...)
			if list, ok := cell.([]any); ok {
				line = append(line, '[')
				for k, v := range list {
					if k > 0 {
						line = append(line, ',')
					}
					if line, err = appendValue(line, v); err != nil {
						return err
					}
				}
				line = append(line, ']')
			} else if line, err = appendValue(line, cell); err != nil {
				return err
			}
		}
		if _, err := out.Write(append(line, '}', '\n')); err != nil {
			return err
		}
	}
	return out.Flush()
}

func appendValue(b []byte, v any) ([]byte, error) {
	if f, ok := v.(float64); ok && (math.IsNaN(f) || math.IsInf(f, 0)) {
		return append(b, "null"...), nil
	}
	return codec.AppendJSON(b, v)
}
