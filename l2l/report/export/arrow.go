package export

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/meta-optimization/l2l-mpi/l2l/report"
)

// arrowSchema is the schema of a table: the metadata is the file's, and units and directions are the fields'.
func arrowSchema(columns []report.Column, m Metadata) (*arrow.Schema, error) {
	fields := make([]arrow.Field, len(columns))
	for i, c := range columns {
		var of arrow.DataType
		switch c.Type {
		case report.Integer:
			of = arrow.PrimitiveTypes.Int64
		case report.Unsigned:
			of = arrow.PrimitiveTypes.Uint64
		case report.Number:
			of = arrow.PrimitiveTypes.Float64
		case report.Flag:
			of = arrow.FixedWidthTypes.Boolean
		default:
			of = arrow.BinaryTypes.String
		}
		fields[i] = arrow.Field{Name: c.Name, Type: of, Nullable: true, Metadata: arrow.MetadataFrom(ofColumn(c))}
		if c.Size > 0 {
			fields[i].Type, fields[i].Nullable = arrow.ListOfField(arrow.Field{Name: "element", Type: of}), false
		}
	}
	text, err := m.text()
	if err != nil {
		return nil, err
	}
	about := arrow.MetadataFrom(map[string]string{key: text})
	return arrow.NewSchema(fields, &about), nil
}

// arrowFile writes the table as an IPC file.
func arrowFile(w io.Writer, t report.Table, m Metadata) (err error) {
	schema, err := arrowSchema(t.Columns, m)
	if err != nil {
		return err
	}
	out, err := ipc.NewFileWriter(w, ipc.WithSchema(schema))
	if err != nil {
		return err
	}
	block := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer block.Release()
	n, most := 0, inBlock(t.Columns)
	flush := func() error {
		batch := block.NewRecordBatch()
		defer batch.Release()
		n = 0
		return out.Write(batch)
	}
	for row, err := range t.Rows {
		if err != nil {
			return errors.Join(err, out.Close())
		}
		for i, c := range t.Columns {
			b := block.Field(i)
			if list, ok := b.(*array.ListBuilder); ok {
				list.Append(true)
				b = list.ValueBuilder()
			}
			for _, v := range elements(c, row[i]) {
				if err := appendArrow(b, v); err != nil {
					return fmt.Errorf("column %s: %w", c.Name, errors.Join(err, out.Close()))
				}
			}
		}
		if n++; n == most {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	if n > 0 {
		if err := flush(); err != nil {
			return err
		}
	}
	return out.Close()
}

func appendArrow(b array.Builder, v any) error {
	if v == nil {
		b.AppendNull()
		return nil
	}
	ok := false
	switch b := b.(type) {
	case *array.Int64Builder:
		var x int64
		x, ok = v.(int64)
		b.Append(x)
	case *array.Uint64Builder:
		var x uint64
		x, ok = v.(uint64)
		b.Append(x)
	case *array.Float64Builder:
		var x float64
		x, ok = v.(float64)
		b.Append(x)
	case *array.BooleanBuilder:
		var x bool
		x, ok = v.(bool)
		b.Append(x)
	case *array.StringBuilder:
		ok = true
		b.Append(report.CellText(v))
	}
	if !ok {
		return fmt.Errorf("%v is a %T, which the column does not hold", v, v)
	}
	return nil
}

// arrowText is a schema as a Parquet file holds it for programs that speak Arrow: they find units and directions in it.
func arrowText(schema *arrow.Schema) (string, error) {
	var b bytes.Buffer
	if err := ipc.NewWriter(&b, ipc.WithSchema(schema)).Close(); err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(b.Bytes()), nil
}
