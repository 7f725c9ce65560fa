package functions

import (
	"encoding/csv"
	"os"
	"strconv"
	"testing"
)

// goldenRow is a row of a file in testdata: a function's name or number, then numbers.
type goldenRow struct {
	name    string
	numbers []float64
}

func golden(t *testing.T, file string) []goldenRow {
	t.Helper()
	f, err := os.Open("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.FieldsPerRecord = -1
	table, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var rows []goldenRow
	for _, record := range table[1:] {
		row := goldenRow{name: record[0]}
		for _, text := range record[1:] {
			x, err := strconv.ParseFloat(text, 64)
			if err != nil {
				t.Fatal(err)
			}
			row.numbers = append(row.numbers, x)
		}
		rows = append(rows, row)
	}
	return rows
}

// goldenPoints are those of testdata/points.py.
func goldenPoints(count, dim int, halfWidth float64) [][]float64 {
	state := int64(1)
	points := make([][]float64, count)
	for i := range points {
		for range dim {
			state = (1103515245*state + 12345) % (1 << 31)
			points[i] = append(points[i], (2*float64(state)/(1<<31)-1)*halfWidth)
		}
	}
	return points
}
