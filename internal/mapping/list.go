package mapping

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
)

var errListText = errors.New("join takes a list of texts and numbers")

const defaultSep = ","

func buildJoin(l *linter, t Transform, at string) step {
	sep := cmp.Or(l.text(t.Sep, at+"/sep"), defaultSep)
	l.checkMax(t.Max, at)
	return step{run: func(_ *scope, v any) (any, error) {
		list, ok := v.([]any)
		if !ok {
			list = []any{v}
		}
		texts := make([]string, 0, len(list))
		for _, e := range list {
			if e = settle(e); e == nil {
				continue
			}
			text, ok := scalarText(e)
			if !ok {
				return nil, errListText
			}
			texts = append(texts, text)
		}
		return strings.Join(limited(texts, t.Unique, t.Max), sep), nil
	}}
}

// buildSplit makes a list of a text; empty pieces are left out.
func buildSplit(l *linter, t Transform, at string) step {
	sep := cmp.Or(l.text(t.Sep, at+"/sep"), defaultSep)
	l.checkMax(t.Max, at)
	return step{run: func(_ *scope, v any) (any, error) {
		text, ok := scalarText(v)
		if !ok {
			return nil, fmt.Errorf("split works on text, not on %s", describe(v))
		}
		var pieces []string
		for _, piece := range strings.Split(text, sep) {
			if piece != "" {
				pieces = append(pieces, piece)
			}
		}
		pieces = limited(pieces, t.Unique, t.Max)
		out := make([]any, len(pieces))
		for i, piece := range pieces {
			out[i] = piece
		}
		return out, nil
	}}
}

func (l *linter) checkMax(n int, at string) {
	if n < 0 {
		l.addf(at+"/max", "max must be 1 or more; 0 is unlimited")
	}
}

// limited keeps the first of equal texts if asked, then at most n (0: all).
func limited(texts []string, unique bool, n int) []string {
	if unique {
		seen := make(map[string]bool, len(texts))
		kept := texts[:0]
		for _, s := range texts {
			if !seen[s] {
				seen[s] = true
				kept = append(kept, s)
			}
		}
		texts = kept
	}
	if n > 0 && len(texts) > n {
		texts = texts[:n]
	}
	return texts
}
