// Package page writes a report as one HTML file that asks nothing of any network: text first, then the figures of package figure in the order
// in which a scientist asks. Its charts are drawn by Apache ECharts, which is in the file.
package page

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"strings"

	"github.com/meta-optimization/l2l-mpi/l2l/report/figure"
)

// Library is the version of Apache ECharts in echarts.min.js, which is dist/echarts.min.js of its release, unchanged. Its licence is in
// echarts.LICENSE.
const Library = "6.1.0"

var (
	//go:embed echarts.min.js
	charts string
	//go:embed echarts.NOTICE
	notice string
	//go:embed page.js
	script string
	//go:embed page.css
	style string
	//go:embed page.html
	text string
)

var layout = template.Must(template.New("page").Parse(text))

// Document is what a page says.
type Document struct {
	Title    string
	Lead     string // how the run stands, in a sentence
	Facts    []Fact
	Found    []Table // what the run has found
	Sections []Section
	Runs     []Description
	Version  string // of the program
}

// Fact is a number with its name.
type Fact struct{ Name, Value string }

// Section answers a question by figures.
type Section struct {
	ID, Question string
	Text         string // before the figures; may be empty
	Figures      []*figure.Figure
	Tables       []Table
}

// Description says what was run.
type Description struct {
	Text   string
	Again  string // commands that run the same again
	Tables []Table
	Config string
	Python []string // packages of the worker's interpreter
}

// Table is a table for people.
type Table struct {
	Title, Caption string
	Columns        []Column
	Rows           [][]Cell
	Sorts          bool // by the column that a reader chooses
}

// Column is a column's head.
type Column struct {
	Name   string
	Number bool
}

// Cell is a cell's text.
type Cell struct {
	Text   string
	Number bool
	Long   bool // it may be broken into lines where it is long
}

// Broken reports whether the text is broken into lines.
func (c Cell) Broken() bool { return c.Long && len(c.Text) > 24 }

// Write writes the document.
func (d Document) Write(w io.Writer) error {
	view := struct {
		Document
		Style          template.CSS
		Charts, Script template.JS
		Data           template.JS
		Notice         template.HTML
		Library        string
	}{Document: d, Style: template.CSS(style), Charts: template.JS(charts), Script: template.JS(script), Library: Library}
	view.Notice = template.HTML("<!-- " + strings.TrimSpace(notice) + " -->")
	all := []*figure.Figure{} // in JSON never null
	for _, s := range d.Sections {
		all = append(all, s.Figures...)
	}
	data, err := json.Marshal(all) // it escapes what would end the script
	if err != nil {
		return fmt.Errorf("page: %w", err)
	}
	view.Data = template.JS(data)
	return layout.Execute(w, view)
}

// Figures is the number of figures.
func (d Document) Figures() (n int) {
	for _, s := range d.Sections {
		n += len(s.Figures)
	}
	return n
}
