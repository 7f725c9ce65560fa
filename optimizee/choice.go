package optimizee

import (
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
)

// plain is a choice as one of the four types that its value may have on a wire: string, bool, int64 or float64. It is false for what is no
// choice.
func plain(v any) (any, bool) {
	switch r := reflect.ValueOf(v); {
	case r.Kind() == reflect.String:
		return r.String(), true
	case r.Kind() == reflect.Bool:
		return r.Bool(), true
	case r.CanInt():
		return r.Int(), true
	case r.CanUint():
		return int64(r.Uint()), r.Uint() <= math.MaxInt64
	case r.CanFloat():
		return r.Float(), !math.IsNaN(r.Float()) && !math.IsInf(r.Float(), 0)
	}
	return nil, false
}

// textOf is a plain value as tables, command lines and messages have it. A number has all its digits.
func textOf(v any) string {
	if f, ok := v.(float64); ok {
		return strconv.FormatFloat(f, 'g', -1, 64)
	}
	return fmt.Sprint(v)
}

// checkChoices returns an error unless there are two choices or more whose texts differ.
func (p Parameter) checkChoices() error {
	if len(p.Choices) < 2 {
		return fmt.Errorf("%d choices, want at least 2; a value that is not searched is a constant, not a parameter", len(p.Choices))
	}
	seen := map[string]any{}
	for i, c := range p.Choices {
		v, ok := plain(c)
		if !ok {
			return fmt.Errorf("[%d]: %v, want a text, a finite number, true or false", i, c)
		}
		text := textOf(v)
		if other, twice := seen[text]; twice {
			return fmt.Errorf("[%d]: %#v and %#v are both written as %s, want choices that differ", i, other, v, text)
		}
		seen[text] = v
	}
	return nil
}

// choice is the index of the choice that v stands for: the one that is equal, 1 and 1.0 being so, or else the only one that v is as it is written: of
// the texts "1.10" and "on", the number 1.1 and true are not, but the number 1.1 is "1.10", as it has lost its zero, and the text "true" is true.
func (p Parameter) choice(v any) (float64, error) {
	given, ok := plain(v)
	number, isNumber := asNumber(given)
	_, isText := given.(string)
	found, matches := 0, 0
	for i, c := range p.Choices {
		c, _ = plain(c)
		_, textual := c.(string)
		same := ok && textOf(c) == textOf(given)
		if same && textual == isText {
			return float64(i), nil
		}
		if isNumber && textual {
			written, err := strconv.ParseFloat(c.(string), 64)
			same = err == nil && written == number
		}
		if v == nil && textual { // a null that stands where a text does
			same = c == "null" || c == "~"
		}
		if same {
			found = i
			matches++
		}
	}
	if matches == 1 {
		return float64(found), nil
	}
	texts := make([]string, len(p.Choices))
	for i, c := range p.Choices {
		c, _ = plain(c)
		texts[i] = textOf(c)
	}
	if matches > 1 {
		return 0, fmt.Errorf("%v may be any of several choices, want one of [%s], a text in quotes", v, strings.Join(texts, " "))
	}
	return 0, fmt.Errorf("%v, want one of [%s]", v, strings.Join(texts, " "))
}

// asNumber is a plain value as a number, if it is one.
func asNumber(v any) (float64, bool) {
	switch v := v.(type) {
	case int64:
		return float64(v), true
	case float64:
		return v, true
	}
	return 0, false
}
