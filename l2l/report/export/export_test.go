package export

import (
	"archive/zip"
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/parquet-go/parquet-go"

	"github.com/meta-optimization/l2l-mpi/l2l/report"
	"github.com/meta-optimization/l2l-mpi/optimizee"
)

// rows is how many rows the table has, which are more than one block's.
const rows = 1<<16 + 100

// everything is a table with a column of each type, and with what is hard to write: no value at all, what is not finite, texts of every kind.
func everything() report.Table {
	columns := []report.Column{
		{Name: "n", Type: report.Integer}, {Name: "seed", Type: report.Unsigned}, {Name: "fitness", Type: report.Number, Unit: "mV", Direction: optimizee.Maximise},
		{Name: "a", Type: report.Flag}, {Name: "text", Type: report.Text}, {Name: "choice", Type: report.Mixed},
		{Name: "w", Type: report.Number, Vector: "w", Size: 3}, {Name: "rules", Type: report.Text, Vector: "rules", Size: 2},
	}
	return report.Table{Columns: columns, Rows: func(yield func([]any, error) bool) {
		for _, row := range made() {
			if !yield(row, nil) {
				return
			}
		}
	}}
}

// made are the rows, made once.
var made = sync.OnceValue(func() (all [][]any) {
	for i := range rows {
		all = append(all, makeRow(i))
	}
	return all
})

func rowOf(i int) []any { return made()[i] }

func makeRow(i int) []any {
	fitness := []any{0.1 * float64(i), nil, math.Inf(1), -1e-9}[i%4]
	text := []any{"", "ψ \U0001F9E0, \"quoted\"", nil, strings.Repeat("x", i%50)}[i%4]
	choice := []any{int64(16), 0.5, true, "auto"}[i%4]
	w := []any{float64(i), 1e-300, -float64(i) / 3}
	return []any{int64(i) - 5, math.MaxUint64 - uint64(i), fitness, i%3 == 0, text, choice, w, []any{"stdp", strconv.Itoa(i % 7)}}
}

func written(t *testing.T, format string) []byte {
	t.Helper()
	for _, f := range Formats() {
		if f.Name == format {
			var b bytes.Buffer
			if err := f.Write(&b, everything(), Metadata{Table: "test", Config: "seed: 7\n"}); err != nil {
				t.Fatal(err)
			}
			return b.Bytes()
		}
	}
	t.Fatalf("no format %s", format)
	return nil
}

// same compares a value with a cell of the table; a text may stand for what is of any type.
func same(t *testing.T, row, column int, got any) {
	t.Helper()
	want := rowOf(row)[column]
	if list, ok := want.([]any); ok {
		if !slices.Equal(list, got.([]any)) {
			t.Fatalf("row %d: %s is %v, want %v", row, everything().Columns[column].Name, got, want)
		}
		return
	}
	if _, ok := got.(string); ok && want != nil {
		want = report.CellText(want)
	}
	if got != want {
		t.Fatalf("row %d: %s is %v, want %v", row, everything().Columns[column].Name, got, want)
	}
}

func TestArrowFilesHoldTheTable(t *testing.T) {
	file, err := ipc.NewFileReader(bytes.NewReader(written(t, "arrow")))
	if err != nil {
		t.Fatal(err)
	}
	schema := file.Schema()
	about, _ := schema.Metadata().GetValue("l2l")
	unit, _ := schema.Field(2).Metadata.GetValue("unit")
	direction, _ := schema.Field(2).Metadata.GetValue("direction")
	if !strings.Contains(about, `"config":"seed: 7\n"`) || unit != "mV" || direction != "maximise" {
		t.Errorf("metadata %s, unit %q, direction %q", about, unit, direction)
	}
	at := 0
	for k := range file.NumRecords() {
		batch, err := file.RecordBatch(k)
		if err != nil {
			t.Fatal(err)
		}
		for i := range int(batch.NumRows()) {
			for c := range int(batch.NumCols()) {
				same(t, at, c, arrowCell(batch.Column(c), i))
			}
			at++
		}
	}
	if at != rows || file.NumRecords() < 2 {
		t.Errorf("%d rows in %d batches, want %d in several", at, file.NumRecords(), rows)
	}
}

func arrowCell(a arrow.Array, i int) any {
	if a.IsNull(i) {
		return nil
	}
	switch a := a.(type) {
	case *array.Int64:
		return a.Value(i)
	case *array.Uint64:
		return a.Value(i)
	case *array.Float64:
		return a.Value(i)
	case *array.Boolean:
		return a.Value(i)
	case *array.String:
		return a.Value(i)
	case *array.List:
		from, to := a.ValueOffsets(i)
		var list []any
		for k := from; k < to; k++ {
			list = append(list, arrowCell(a.ListValues(), int(k)))
		}
		return list
	}
	return fmt.Errorf("a column of %v", a.DataType())
}

func TestParquetFilesHoldTheTable(t *testing.T) {
	raw := written(t, "parquet")
	file, err := parquet.OpenFile(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		t.Fatal(err)
	}
	if about, _ := file.Lookup("l2l"); !strings.Contains(about, `"table":"test"`) {
		t.Errorf("metadata %s", about)
	}
	var names []string
	for _, f := range file.Schema().Fields() {
		names = append(names, f.Name())
	}
	if want := everything().Names(); fmt.Sprint(names) != fmt.Sprint(want) {
		t.Fatalf("columns %v, want %v", names, want)
	}
	at := 0
	columns := everything().Columns
	for _, group := range file.RowGroups() {
		read := group.Rows()
		for {
			buffer := make([]parquet.Row, 100)
			n, err := read.ReadRows(buffer)
			for _, row := range buffer[:n] {
				lists := make([][]any, len(columns))
				for _, v := range row {
					c := v.Column()
					lists[c] = append(lists[c], parquetCell(columns[c].Type, v))
				}
				for c, list := range lists {
					if columns[c].Size > 0 {
						same(t, at, c, list)
					} else {
						same(t, at, c, list[0])
					}
				}
				at++
			}
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := read.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if at != rows || len(file.RowGroups()) < 2 {
		t.Errorf("%d rows in %d groups, want %d in several", at, len(file.RowGroups()), rows)
	}
}

func parquetCell(of report.Type, v parquet.Value) any {
	switch {
	case v.IsNull():
		return nil
	case of == report.Integer:
		return v.Int64()
	case of == report.Unsigned:
		return v.Uint64()
	case of == report.Number:
		return v.Double()
	case of == report.Flag:
		return v.Boolean()
	}
	return string(v.ByteArray())
}

func TestLinesOfJSONHoldTheTable(t *testing.T) {
	lines := bufio.NewScanner(bytes.NewReader(written(t, "jsonl")))
	names := everything().Names()
	at := 0
	for ; lines.Scan(); at++ {
		if at%31 != 0 { // the period of what the rows hold is another
			continue
		}
		decoder := json.NewDecoder(bytes.NewReader(lines.Bytes()))
		decoder.UseNumber()
		object := map[string]any{}
		if err := decoder.Decode(&object); err != nil {
			t.Fatalf("%s: %v", lines.Text(), err)
		}
		want := rowOf(at)
		for c, name := range names {
			cell := want[c]
			if f, ok := cell.(float64); ok && math.IsInf(f, 0) {
				cell = nil
			}
			// Numbers are as they would be in Go, and what is a number is none in quotes.
			if text, _ := json.Marshal(cell); cell != nil && strings.HasPrefix(string(text), `"`) != (fmt.Sprintf("%T", object[name]) == "string") {
				t.Fatalf("row %d: %s is %#v, want %s", at, name, object[name], text)
			}
			if got, want := sprint(t, object[name]), sprint(t, cell); got != want {
				t.Fatalf("row %d: %s is %s, want %s", at, name, got, want)
			}
		}
	}
	if at != rows {
		t.Errorf("%d rows, want %d", at, rows)
	}
}

// sprint is a value such that equal numbers are equal texts.
func sprint(t *testing.T, v any) string {
	t.Helper()
	switch v := v.(type) {
	case json.Number:
		if i, err := strconv.ParseUint(v.String(), 10, 64); err == nil {
			return strconv.FormatUint(i, 10)
		}
		f, err := v.Float64()
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(f)
	case []any:
		var texts []string
		for _, e := range v {
			texts = append(texts, sprint(t, e))
		}
		return strings.Join(texts, ",")
	}
	return fmt.Sprint(v)
}

func TestArraysOfNumpyHoldTheTable(t *testing.T) {
	raw := written(t, "npz")
	archive, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		t.Fatal(err)
	}
	columns := everything().Columns
	if len(archive.File) != 1+len(columns) || archive.File[0].Name != "l2l.npy" {
		t.Fatalf("%d arrays, the first %s; want l2l.npy and %d columns", len(archive.File), archive.File[0].Name, len(columns))
	}
	head := regexp.MustCompile(`^\{'descr': '(\S\w\d+)', 'fortran_order': False, 'shape': \((\d+),( \d+)?\), \} *\n$`)
	kinds := map[string]string{}
	for c, file := range archive.File[1:] {
		f, err := file.Open()
		if err != nil {
			t.Fatal(err)
		}
		all, err := io.ReadAll(f)
		if err != nil {
			t.Fatal(err)
		}
		size := int(binary.LittleEndian.Uint16(all[8:]))
		found := head.FindStringSubmatch(string(all[10 : 10+size]))
		if string(all[:8]) != "\x93NUMPY\x01\x00" || (10+size)%64 != 0 || found == nil || found[2] != strconv.Itoa(rows) {
			t.Fatalf("%s begins %q", file.Name, all[:10+size])
		}
		kinds[columns[c].Name] = found[1] + found[3]
		width := map[byte]int{'8': 8, '1': 1}[found[1][2]]
		if found[1][1] == 'U' {
			width, _ = strconv.Atoi(found[1][2:])
			width *= 4
		}
		data := all[10+size:]
		each := max(columns[c].Size, 1)
		if len(data) != rows*each*width {
			t.Fatalf("%s has %d bytes, want %d of %d", file.Name, len(data), rows*each, width)
		}
		for i := range rows * each {
			cell := rowOf(i / each)[c]
			if list, ok := cell.([]any); ok {
				cell = list[i%each]
			}
			if got, want := npyText(found[1], data[i*width:(i+1)*width]), report.CellText(cell); got != want && !(cell == nil && got == "NaN") {
				t.Fatalf("row %d: %s is %q, want %q", i/each, file.Name, got, want)
			}
		}
	}
	want := "map[a:|b1 choice:<U4 fitness:<f8 n:<i8 rules:<U4 2 seed:<u8 text:<U49 w:<f8 3]"
	if got := fmt.Sprint(kinds); got != want {
		t.Errorf("kinds %s, want %s", got, want)
	}
}

func npyText(kind string, b []byte) string {
	switch kind[1] {
	case 'i':
		return strconv.FormatInt(int64(binary.LittleEndian.Uint64(b)), 10)
	case 'u':
		return strconv.FormatUint(binary.LittleEndian.Uint64(b), 10)
	case 'f':
		return report.CellText(math.Float64frombits(binary.LittleEndian.Uint64(b)))
	case 'b':
		return strconv.FormatBool(b[0] == 1)
	}
	var text []rune
	for ; len(b) > 0; b = b[4:] {
		if r := rune(binary.LittleEndian.Uint32(b)); r != 0 {
			text = append(text, r)
		}
	}
	return string(text)
}

// The rows of a damaged journal end with an error, which every writer returns.
func TestEveryFormatTellsAnErrorOfTheRows(t *testing.T) {
	damaged := errors.New("the journal is damaged")
	table := everything()
	table.Rows = func(yield func([]any, error) bool) {
		if yield(rowOf(0), nil) {
			yield(nil, damaged)
		}
	}
	for _, f := range Formats() {
		if err := f.Write(io.Discard, table, Metadata{}); !errors.Is(err, damaged) {
			t.Errorf("%s: %v, want %v", f.Name, err, damaged)
		}
	}
}

// What is in a column is what the column says: anything else is a mistake of the table's maker, and an error instead of another value.
func TestACellOfAnotherTypeIsAnError(t *testing.T) {
	for _, f := range Formats() {
		if f.Name == "csv" || f.Name == "jsonl" {
			continue // they have no types
		}
		table := report.Table{Columns: []report.Column{{Name: "n", Type: report.Integer}}, Rows: func(yield func([]any, error) bool) { yield([]any{"seven"}, nil) }}
		if err := f.Write(io.Discard, table, Metadata{}); err == nil || !strings.Contains(err.Error(), "column n: seven is a string") {
			t.Errorf("%s: %v", f.Name, err)
		}
	}
}
