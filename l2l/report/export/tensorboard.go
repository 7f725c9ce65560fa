package export

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"os"
	"path/filepath"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/meta-optimization/l2l-mpi/l2l/report"
)

// TensorBoard writes the generations of a run as a file of events in dir, which is made: tensorboard --logdir shows the directory above it, with a
// curve for each run. The same run has the same file, which is replaced. TensorBoard's numbers have seven digits.
func TensorBoard(r *report.Run, dir string) (err error) {
	points, _, err := series(r)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	host := "l2l-mpi"
	if len(r.Begun.Hosts) > 0 {
		host = filepath.Base(r.Begun.Hosts[0])
	}
	file, err := os.Create(filepath.Join(dir, fmt.Sprintf("events.out.tfevents.%010d.%s", r.Begun.At/1e6, host)))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	out := bufio.NewWriter(file)
	// The fields are those of tensorflow.Event: 1 wall_time, 2 step, 3 file_version, 5 summary; and of Summary.Value: 1 tag, 2 simple_value.
	head := appendDouble(nil, 1, float64(r.Begun.At)/1e6)
	head = protowire.AppendString(protowire.AppendTag(head, 3, protowire.BytesType), "brain.Event:2")
	if err := writeRecord(out, head); err != nil {
		return err
	}
	for _, p := range points {
		var summary []byte
		for _, n := range p.numbers {
			value := protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), n.name)
			value = protowire.AppendFixed32(protowire.AppendTag(value, 2, protowire.Fixed32Type), math.Float32bits(float32(n.value)))
			summary = protowire.AppendBytes(protowire.AppendTag(summary, 1, protowire.BytesType), value)
		}
		event := appendDouble(nil, 1, float64(p.at)/1e6)
		event = protowire.AppendVarint(protowire.AppendTag(event, 2, protowire.VarintType), uint64(p.step))
		event = protowire.AppendBytes(protowire.AppendTag(event, 5, protowire.BytesType), summary)
		if err := writeRecord(out, event); err != nil {
			return err
		}
	}
	return out.Flush()
}

func appendDouble(b []byte, field protowire.Number, v float64) []byte {
	return protowire.AppendFixed64(protowire.AppendTag(b, field, protowire.Fixed64Type), math.Float64bits(v))
}

// writeRecord writes a record of TensorFlow's: the length, its checksum, the data, their checksum.
func writeRecord(w io.Writer, data []byte) error {
	head := binary.LittleEndian.AppendUint64(nil, uint64(len(data)))
	b := binary.LittleEndian.AppendUint32(head, masked(head))
	b = binary.LittleEndian.AppendUint32(append(b, data...), masked(data))
	_, err := w.Write(b)
	return err
}

// masked is the checksum of a record's part: a CRC-32C, turned and shifted so that one of data with checksums in them is no weaker.
func masked(b []byte) uint32 {
	crc := crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli))
	return (crc>>15 | crc<<17) + 0xa282ead8
}
