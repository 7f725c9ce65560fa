package report

import (
	"fmt"
	"math"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/meta-optimization/l2l-mpi/optimizer"
)

// Progress is how far a run has come.
type Progress struct {
	Generation  int    // generations completed
	Phase       string // what follows the search: the race of finalists, the measurement of the winner, its test; "" before
	Evaluations int64
	Failures    int64  // individuals that failed
	Best        string // the best fitness so far; "" before the first success, and where there is a front
	Front       int    // individuals on the front
	Figures     []optimizer.Figure
	Restarts    optimizer.Restarts // of the search, which has converged and begun again
	PerSecond   float64            // evaluations of this session
	Done        float64            // the part of the run that is over, by the rule that will end it first, from 0 to 1; 0 where none can tell
	Left        time.Duration      // about how long it will go on; 0 where nothing is known
	UnderWay    int                // evaluations that have begun and not ended, as far as rank 0 knows
	Longest     time.Duration      // that one of them has been so
}

// Limit is a rule that ends a run once something that grows has reached a number.
type Limit struct {
	Before float64 // when the session began
	Now    float64
	Whole  float64 // 0 is no limit
}

// Estimate sets Done and Left by the limits of a session that has gone on for so long, as if all went on as it has.
func (p *Progress) Estimate(elapsed time.Duration, limits ...Limit) {
	least := math.Inf(1)
	p.Done, p.Left = 0, 0
	for _, l := range limits {
		if l.Whole <= 0 {
			continue
		}
		done := min(l.Now/l.Whole, 1)
		left := math.Inf(1)
		if l.Now > l.Before {
			left = elapsed.Seconds() * max(l.Whole-l.Now, 0) / (l.Now - l.Before)
		}
		if left < least || math.IsInf(least, 1) && done > p.Done {
			least, p.Done = left, done
		}
	}
	if p.Done < 1 && least < math.MaxInt64/float64(time.Second) {
		p.Left = max(time.Duration(least*float64(time.Second)).Round(time.Second), time.Second)
	}
}

// String is the progress as a line for people.
func (p Progress) String() string { return p.Line(0) }

// Slow is how long an evaluation is under way until people are told how many are.
const Slow = 2 * time.Second

// Line is the progress as a line for people of at most so many columns, for which it leaves out what says least; 0 is no limit.
func (p Progress) Line(columns int) string {
	type part struct {
		text string
		rank int // those with the largest are left out first
	}
	parts := []part{{Count(p.Generation, "generation"), 4}}
	add := func(shown bool, rank int, format string, args ...any) {
		if shown {
			parts = append(parts, part{fmt.Sprintf(format, args...), rank})
		}
	}
	add(p.Phase != "", 1, "%s", p.Phase)
	add(p.Best != "", 1, "best %s", p.Best)
	add(p.Front > 0, 1, "%d on the front", p.Front)
	add(len(p.Figures) > 0, 8, "%s", p.FiguresText())
	add(p.Restarts.Count > 0, 6, "%s", p.restarts())
	add(true, 0, "%s", Count(p.Evaluations, "evaluation"))
	add(p.Failures > 0, 3, "%d failed", p.Failures)
	add(true, 7, "%s", Rate(p.PerSecond))
	add(p.Longest >= Slow, 2, "%s", p.UnderWayText())
	add(true, 5, "ETA %s", p.ETA())
	const between = "  "
	for {
		texts := make([]string, len(parts))
		for i, part := range parts {
			texts[i] = part.text
		}
		line := strings.Join(texts, between)
		if columns <= 0 || utf8.RuneCountInString(line) <= columns {
			return line
		}
		if len(parts) == 1 {
			return string([]rune(line)[:columns])
		}
		least := 0
		for i, part := range parts {
			if part.rank > parts[least].rank {
				least = i
			}
		}
		parts = append(parts[:least], parts[least+1:]...)
	}
}

// Bar is the part of a run that is over as a bar of so many columns.
func Bar(done float64, columns int) string {
	n := int(min(max(done, 0), 1) * float64(columns))
	return strings.Repeat("━", n) + strings.Repeat("─", columns-n)
}

// UnderWayText is what has begun and not ended.
func (p Progress) UnderWayText() string {
	return fmt.Sprintf("%d under way, the longest %s", p.UnderWay, DurationText(p.Longest))
}

// Rate is a number of evaluations in a time that gives a number people can read.
func Rate(perSecond float64) string {
	switch {
	case perSecond > 0 && perSecond < 0.01:
		return fmt.Sprintf("%.3g/h", perSecond*3600)
	case perSecond > 0 && perSecond < 1:
		return fmt.Sprintf("%.3g/min", perSecond*60)
	case perSecond >= 1000:
		return fmt.Sprintf("%.0f/s", perSecond)
	}
	return fmt.Sprintf("%.3g/s", perSecond)
}

// DurationText is a time as people read it: in seconds, and from a day on in days and hours.
func DurationText(d time.Duration) string {
	const day = 24 * time.Hour
	if d = d.Round(time.Second); d < day {
		return d.String()
	}
	return fmt.Sprintf("%dd%dh", d/day, d%day/time.Hour)
}

// shownFigures is how many of an optimizer's figures the progress shows: the first ones say most.
const shownFigures = 2

// FiguresText are the first of the optimizer's figures, as text.
func (p Progress) FiguresText() string {
	var parts []string
	for _, f := range p.Figures[:min(len(p.Figures), shownFigures)] {
		parts = append(parts, fmt.Sprintf("%s %.3g", f.Name, f.Value))
	}
	return strings.Join(parts, ", ")
}

// restarts are how often the search has begun again, and the rule that was the last reason.
func (p Progress) restarts() string {
	text := Count(int64(p.Restarts.Count), "restart")
	if n := len(p.Restarts.Last); n > 0 {
		rule, _, _ := strings.Cut(p.Restarts.Last[n-1].Reason, ":")
		text += " (" + rule + ")"
	}
	return text
}

// ETA is the time that is left, as people read it.
func (p Progress) ETA() string {
	if p.Left <= 0 {
		return "?"
	}
	return DurationText(p.Left)
}
