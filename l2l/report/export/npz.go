package export

import (
	"archive/zip"
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/meta-optimization/l2l-mpi/l2l/report"
)

// npz writes each column as an array of numpy, of two dimensions where its cells are lists, and the metadata as the array l2l, a text. Where there
// is nothing to say a number is NaN, a whole number 0 and a text empty. Since an array is written as a whole, and a text is as long in it as the longest,
// the rows are first put down, block by block and in each column by column, in a file of their own.
func npz(w io.Writer, t report.Table, m Metadata) (err error) {
	file, err := os.CreateTemp("", "l2l-export-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if err := os.Remove(file.Name()); err != nil { // it is gone with the process
		return err
	}
	s := &spool{columns: t.Columns, buffers: make([][]byte, len(t.Columns)), longest: make([]int, len(t.Columns)), out: bufio.NewWriterSize(file, 1<<20)}
	for row, err := range t.Rows {
		if err != nil {
			return err
		}
		if err := s.add(row); err != nil {
			return err
		}
	}
	if err := errors.Join(s.flush(), s.out.Flush()); err != nil {
		return err
	}
	archive := zip.NewWriter(w)
	text, err := m.text()
	if err != nil {
		return err
	}
	into, err := archive.Create(key + ".npy")
	if err != nil {
		return err
	}
	length := utf8.RuneCountInString(text)
	if _, err := into.Write(append(npyHead(fmt.Sprintf("<U%d", length), "()"), appendText(nil, text, length)...)); err != nil {
		return err
	}
	for i := range t.Columns {
		if err := s.write(archive, file, i); err != nil {
			return err
		}
	}
	return archive.Close()
}

// spool is a file of rows that can be read column by column.
type spool struct {
	columns []report.Column
	out     *bufio.Writer
	end     int64 // of the file
	rows    int
	held    int
	buffers [][]byte // by column: the rows that are held
	longest []int    // by column: the longest text, in characters, at least 1, as numpy has none without
	blocks  []block
}

// block is a part of the file: the columns one after the other.
type block struct {
	at    []int64 // by column, where it begins
	bytes []int   // by column
}

func (s *spool) add(row []any) error {
	for i, c := range s.columns {
		b := s.buffers[i]
		for _, v := range elements(c, row[i]) {
			switch c.Type {
			case report.Integer, report.Unsigned, report.Number:
				bits, err := bitsOf(c.Type, v)
				if err != nil {
					return fmt.Errorf("column %s: %w", c.Name, err)
				}
				b = binary.LittleEndian.AppendUint64(b, bits)
			case report.Flag:
				if v == true {
					b = append(b, 1)
				} else {
					b = append(b, 0)
				}
			default:
				text := report.CellText(v)
				s.longest[i] = max(s.longest[i], utf8.RuneCountInString(text))
				b = append(binary.LittleEndian.AppendUint32(b, uint32(len(text))), text...)
			}
		}
		s.buffers[i] = b
	}
	s.rows++
	if s.held++; s.held == inBlock(s.columns) {
		return s.flush()
	}
	return nil
}

func bitsOf(of report.Type, v any) (uint64, error) {
	switch v := v.(type) {
	case nil:
		if of == report.Number {
			return math.Float64bits(math.NaN()), nil
		}
		return 0, nil
	case int64:
		return uint64(v), nil
	case uint64:
		return v, nil
	case float64:
		return math.Float64bits(v), nil
	}
	return 0, fmt.Errorf("%v is a %T, which the column does not hold", v, v)
}

// flush puts down the rows that are held.
func (s *spool) flush() error {
	var b block
	for i, bytes := range s.buffers {
		if _, err := s.out.Write(bytes); err != nil {
			return err
		}
		b.at, b.bytes = append(b.at, s.end), append(b.bytes, len(bytes))
		s.end += int64(len(bytes))
		s.buffers[i] = bytes[:0]
	}
	s.blocks = append(s.blocks, b)
	s.held = 0
	return nil
}

// write writes a column to the archive.
func (s *spool) write(archive *zip.Writer, file io.ReaderAt, i int) error {
	c := s.columns[i]
	into, err := archive.Create(strings.ReplaceAll(c.Name, "/", "_") + ".npy")
	if err != nil {
		return err
	}
	shape := fmt.Sprintf("(%d,)", s.rows)
	if c.Size > 0 {
		shape = fmt.Sprintf("(%d, %d)", s.rows, c.Size)
	}
	longest := max(s.longest[i], 1)
	kind := map[report.Type]string{report.Integer: "<i8", report.Unsigned: "<u8", report.Number: "<f8", report.Flag: "|b1"}[c.Type]
	text := kind == ""
	if text {
		kind = fmt.Sprintf("<U%d", longest)
	}
	if _, err := into.Write(npyHead(kind, shape)); err != nil {
		return err
	}
	var wide []byte
	for _, b := range s.blocks {
		raw := make([]byte, b.bytes[i])
		if _, err := file.ReadAt(raw, b.at[i]); err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if !text {
			if _, err := into.Write(raw); err != nil {
				return err
			}
			continue
		}
		for len(raw) > 0 {
			n := binary.LittleEndian.Uint32(raw)
			wide = appendText(wide[:0], string(raw[4:4+n]), longest)
			raw = raw[4+n:]
			if _, err := into.Write(wide); err != nil {
				return err
			}
		}
	}
	return nil
}

// npyHead is the beginning of an array, by version 1.0 of numpy's format.
func npyHead(kind, shape string) []byte {
	const align = 64
	text := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': %s, }", kind, shape)
	const before = 10 // bytes, and a newline at the end
	text += strings.Repeat(" ", align-1-(before+len(text))%align) + "\n"
	return append(binary.LittleEndian.AppendUint16([]byte("\x93NUMPY\x01\x00"), uint16(len(text))), text...)
}

// appendText appends a text of so many characters as numpy has it, four bytes each.
func appendText(b []byte, text string, length int) []byte {
	for _, r := range text {
		b = binary.LittleEndian.AppendUint32(b, uint32(r))
		length--
	}
	return append(b, make([]byte, 4*length)...)
}
