package export

import (
	"errors"
	"fmt"
	"io"

	"github.com/parquet-go/parquet-go"

	"github.com/meta-optimization/l2l-mpi/l2l/report"
)

// ordered is a group whose fields have the order of the table's columns; a plain group sorts them by their names.
type ordered struct {
	parquet.Group
	fields []parquet.Field
}

// Fields implements parquet.Node.
func (o ordered) Fields() []parquet.Field { return o.fields }

func parquetSchema(columns []report.Column) *parquet.Schema {
	group := ordered{Group: parquet.Group{}}
	for _, c := range columns {
		var node parquet.Node
		switch c.Type {
		case report.Integer:
			node = parquet.Int(64)
		case report.Unsigned:
			node = parquet.Uint(64)
		case report.Number:
			node = parquet.Leaf(parquet.DoubleType)
		case report.Flag:
			node = parquet.Leaf(parquet.BooleanType)
		default:
			node = parquet.Encoded(parquet.String(), &parquet.RLEDictionary)
		}
		if c.Size > 0 {
			node = parquet.List(node)
		} else {
			node = parquet.Optional(node)
		}
		group.Group[c.Name] = node
		group.fields = append(group.fields, parquet.Group{c.Name: node}.Fields()[0])
	}
	return parquet.NewSchema("table", group)
}

// parquetFile writes the table as a Parquet file, compressed by Zstandard.
func parquetFile(w io.Writer, t report.Table, m Metadata) error {
	text, err := m.text()
	if err != nil {
		return err
	}
	schema, err := arrowSchema(t.Columns, m)
	if err != nil {
		return err
	}
	arrow, err := arrowText(schema)
	if err != nil {
		return err
	}
	out := parquet.NewWriter(w, parquetSchema(t.Columns), parquet.Compression(&parquet.Zstd), parquet.KeyValueMetadata(key, text),
		parquet.KeyValueMetadata("ARROW:schema", arrow), parquet.CreatedBy("l2l-mpi", m.Version, ""))
	n, most := 0, inBlock(t.Columns)
	var line parquet.Row
	for row, err := range t.Rows {
		if err != nil {
			return errors.Join(err, out.Close())
		}
		line = line[:0]
		for i, c := range t.Columns {
			for k, v := range elements(c, row[i]) {
				value, err := parquetValue(c.Type, v)
				if err != nil {
					return fmt.Errorf("column %s: %w", c.Name, errors.Join(err, out.Close()))
				}
				again, defined := 0, 1
				if k > 0 {
					again = 1 // the list goes on
				}
				if v == nil {
					defined = 0
				}
				line = append(line, value.Level(again, defined, i))
			}
		}
		if _, err := out.WriteRows([]parquet.Row{line}); err != nil {
			return err
		}
		if n++; n%most == 0 {
			if err := out.Flush(); err != nil {
				return err
			}
		}
	}
	return out.Close()
}

func parquetValue(of report.Type, v any) (parquet.Value, error) {
	ok := v == nil
	switch of {
	case report.Integer:
		if x, is := v.(int64); is {
			return parquet.Int64Value(x), nil
		}
	case report.Unsigned:
		if x, is := v.(uint64); is {
			return parquet.Int64Value(int64(x)), nil
		}
	case report.Number:
		if x, is := v.(float64); is {
			return parquet.DoubleValue(x), nil
		}
	case report.Flag:
		if x, is := v.(bool); is {
			return parquet.BooleanValue(x), nil
		}
	default:
		if !ok {
			return parquet.ByteArrayValue([]byte(report.CellText(v))), nil
		}
	}
	if !ok {
		return parquet.Value{}, fmt.Errorf("%v is a %T, which the column does not hold", v, v)
	}
	return parquet.NullValue(), nil
}
